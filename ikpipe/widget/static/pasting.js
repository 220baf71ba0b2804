// Cells that are copied from a spreadsheet and pasted into rows: each line is a row, each column goes where the user says.

import { h } from "./dom.js";
import { newName } from "./format.js";
import { ChangePreview, labeled, openForm, SHOWN } from "./renaming.js";
import { isChangeable, isEditable } from "./states.js";
import { STRINGS } from "./strings.js";

const PASTEABLE = /** @type {const} */ (["description", "file_name", "folder", "tags"]);

/** @typedef {(typeof PASTEABLE)[number]} PasteableColumn */

/**
 * Ask where the columns of pasted cells go; the lines go to the rows from the focus on, or to those that are selected.
 * @param {Ui} ui @param {string[][]} lines
 */
export function openPaste(ui, lines) {
  const rows = pastedRows(ui, lines.length);
  if (!rows.length) return ui.announce(STRINGS.nothingToChange, { visible: true });
  const width = Math.min(PASTEABLE.length, Math.max(...lines.map((line) => line.length)));
  const fields = Array.from({ length: width }, (_, at) => {
    return columnField(width > 1 ? STRINGS.pasteColumn(at + 1) : STRINGS.pasteInto, at, () => changed(at));
  });
  const preview = new ChangePreview();
  const show = () => {
    const values = pastedColumns(rows.slice(0, SHOWN), fields, lines);
    const textOfRow = (/** @type {Row} */ row) => values.map(([, byRow]) => [byRow.get(row.id) ?? ""].flat().join(", "));
    const pairs = rows.slice(0, SHOWN).map((row) => [row.name, textOfRow(row).filter(Boolean).join(" · ")]);
    preview.show(/** @type {[string, string][]} */ (pairs), values.length ? rows.length : 0);
  };
  /** Use a column for one of the pasted ones only. @param {number} at */
  const changed = (at) => {
    for (const other of fields) if (other !== fields[at] && other.value === fields[at].value) other.value = "";
    show();
  };
  const apply = () => {
    const values = pastedColumns(rows, fields, lines);
    dialog.close();
    if (!values.length) return;
    const step = ui.queue.history.together(() => values.forEach(([column, byRow]) => void ui.saveValues(column, byRow)));
    ui.announceStep(STRINGS.changed(rows.length), step);
  };
  const left = lines.length - rows.length;
  const note = left > 0 ? [h("p", { class: "ik-quiet-text" }, STRINGS.linesLeft(left))] : [];
  const content = [...fields.map((field) => labeled(field.ariaLabel ?? "", field)), ...note, preview.element];
  const dialog = openForm(ui, STRINGS.pasteLines(rows.length), content, apply);
  show();
}

/** Return the rows that pasted lines go to. @param {Ui} ui @param {number} lines */
function pastedRows({ store, view, queue }, lines) {
  const from = Math.max(0, view.positionOf(view.active));
  const selected = view.visible.filter((id) => store.selection.has(id));
  const ids = selected.length > 1 ? selected : view.visible.slice(from, from + lines);
  const canChange = (/** @type {Row} */ row) => isEditable(row) || isChangeable(queue, row);
  return store.all(ids).filter(canChange).slice(0, lines);
}

/** Create the field for where a pasted column goes; the first one is a description. @param {string} label @param {number} at @param {() => void} onchange */
function columnField(label, at, onchange) {
  const columns = PASTEABLE.map((name) => h("option", { value: name }, STRINGS.fields[name]));
  const none = h("option", { value: "" }, STRINGS.notPasted);
  const field = h("select", { "aria-label": label, onchange }, none, columns);
  field.value = at === 0 ? PASTEABLE[0] : "";
  return field;
}

/**
 * Return the values of rows by column.
 * @param {Row[]} rows @param {HTMLSelectElement[]} fields @param {string[][]} lines
 */
function pastedColumns(rows, fields, lines) {
  /** @type {[PasteableColumn, Map<string, Value>][]} */
  const columns = fields.map((field, at) => {
    const column = /** @type {PasteableColumn} */ (field.value);
    return [column, pastedValues(rows, column, lines.map((line) => line[at]))];
  });
  return columns.filter(([column, values]) => column && values.size);
}

/** Return the values of rows; a missing cell, or an empty name, changes nothing. @param {Row[]} rows @param {PasteableColumn} column @param {(string | undefined)[]} texts */
function pastedValues(rows, column, texts) {
  /** @type {Map<string, Value>} */
  const values = new Map();
  rows.forEach((row, at) => {
    const text = texts[at];
    if (text === undefined || (column === "file_name" && !text)) return;
    const tags = text.split(/[,;]/).map((tag) => tag.trim()).filter(Boolean);
    const name = newName(row.name, text);
    values.set(row.id, column === "tags" ? tags : column === "file_name" ? name : text);
  });
  return values;
}
