// New names and other texts for many files: by a template, or by finding and replacing text. Both show what will change.

import { button, h } from "./dom.js";
import { extensionOf } from "./format.js";
import { messageOf } from "./kernel.js";
import { storedName } from "./row-parts.js";
import { isChangeable, isEditable } from "./states.js";
import { STRINGS } from "./strings.js";

export const SHOWN = 6; // changes of a preview
const PREVIEW_DELAY = 250; // ms after the last key
const REPLACEABLE = /** @type {const} */ (["file_name", "folder", "tags", "description"]);

/** @typedef {[before: string, after: string | null]} Change */
/** @typedef {(typeof REPLACEABLE)[number]} ReplaceableColumn */

/** Ask for a template, and rename the rows by it. @param {Ui} ui @param {Row[]} rows */
export function openRename(ui, rows) {
  const { queue } = ui;
  const ids = rows.filter(isEditable).map((row) => row.id);
  const template = textInput(STRINGS.pattern, "{name}-{row:03d}");
  const preview = new ChangePreview();
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  let asked = 0;
  const show = async () => {
    const number = ++asked;
    try {
      const message = { type: "rename", ids, template: template.value, preview: true };
      const { names, same, problem } = await queue.kernel.request(message);
      if (number !== asked) return;
      if (problem) preview.fail(STRINGS.patternInvalid(problem));
      else preview.show(names, ids.length, same);
    } catch (error) {
      if (number === asked) preview.fail(messageOf(error));
    }
  };
  template.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(show, PREVIEW_DELAY);
  });
  const apply = async () => {
    const step = queue.history.nextStep();
    try {
      const message = { type: "rename", ids, template: template.value, preview: false, step };
      const { rows: renamed, problem } = await queue.kernel.request(message);
      if (problem) return preview.fail(STRINGS.patternInvalid(problem));
      dialog.close();
      ui.announceStep(STRINGS.changed(renamed), step);
    } catch (error) {
      preview.fail(messageOf(error));
    }
  };
  const hint = h("p", { class: "ik-quiet-text" }, STRINGS.patternHint);
  const dialog = openForm(ui, STRINGS.renameMany(ids.length), [labeled(STRINGS.pattern, template), hint, preview.element], apply);
  template.select();
  void show();
}

/** Ask what to find and replace, and change the rows. @param {Ui} ui @param {Row[]} rows */
export function openReplace(ui, rows) {
  const changeable = rows.filter((row) => isEditable(row) || isChangeable(ui.queue, row));
  const choices = REPLACEABLE.map((column) => h("option", { value: column }, STRINGS.fields[column]));
  const column = h("select", { "aria-label": STRINGS.replaceIn, onchange: () => show() }, choices);
  const find = textInput(STRINGS.find, "");
  const replacement = textInput(STRINGS.replaceWith, "");
  const exact = h("input", { type: "checkbox", onchange: () => show() });
  const preview = new ChangePreview();
  const regular = h("input", { type: "checkbox", onchange: () => show() });
  const changes = () => {
    const pattern = patternOf(find.value, regular.checked, exact.checked);
    const where = /** @type {ReplaceableColumn} */ (column.value);
    const replace = (/** @type {string} */ text) =>
      regular.checked ? text.replace(pattern, replacement.value) : text.replace(pattern, () => replacement.value);
    return find.value ? replaced(changeable, where, replace) : new Map();
  };
  const show = () => {
    try {
      const values = changes();
      const where = /** @type {ReplaceableColumn} */ (column.value);
      const pairs = ui.store.all([...values.keys()].slice(0, SHOWN)).map((row) => change(row, where, values.get(row.id)));
      preview.show(pairs, values.size, countSame(ui.store, where, values));
      return values;
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      preview.fail(STRINGS.regularExpressionInvalid);
      return null;
    }
  };
  for (const input of [find, replacement]) input.addEventListener("input", show);
  const apply = async () => {
    const values = show();
    if (!values) return;
    if (!values.size) return preview.fail(STRINGS.nothingFound);
    dialog.close();
    const step = ui.queue.history.together(() => void ui.saveValues(column.value, values));
    ui.announceStep(STRINGS.changed(values.size), step);
  };
  const fields = [
    labeled(STRINGS.replaceIn, column),
    labeled(STRINGS.find, find),
    labeled(STRINGS.replaceWith, replacement),
    h("label", { class: "ik-check" }, exact, STRINGS.matchCase),
    h("label", { class: "ik-check" }, regular, STRINGS.regularExpression),
    preview.element,
  ];
  const dialog = openForm(ui, STRINGS.replaceMany(changeable.length), fields, apply);
  find.focus();
}

/**
 * Return the new values of rows in which something is replaced; names keep their extension.
 * @param {Row[]} rows @param {ReplaceableColumn} column @param {(text: string) => string} replace
 */
function replaced(rows, column, replace) {
  /** @type {Map<string, Value>} */
  const values = new Map();
  for (const row of rows) {
    const before = textsOf(row, column);
    const after = before.map((text) => (column === "file_name" ? withExtension(text, replace) : replace(text)));
    if (before.every((text, at) => text === after[at])) continue;
    if (column === "file_name" && !after[0]) continue; // a file needs a name
    values.set(row.id, column === "tags" ? [...new Set(after.filter(Boolean))] : after[0]);
  }
  return values;
}

/** @param {string} name @param {(text: string) => string} replace */
function withExtension(name, replace) {
  const extension = extensionOf(name);
  const stem = replace(name.slice(0, name.length - extension.length));
  return stem && stem + extension;
}

/** @param {Row} row @param {ReplaceableColumn} column @returns {string[]} */
function textsOf(row, column) {
  if (column === "tags") return row.tags ?? [];
  if (column === "file_name") return [storedName(row) || row.name];
  return [row[column] ?? ""];
}

/** @param {Row} row @param {ReplaceableColumn} column @param {Value} value @returns {Change} */
function change(row, column, value) {
  return [textsOf(row, column).join(", "), [value].flat().join(", ")];
}

/**
 * Return what finds a text, or what matches a regular expression; a `SyntaxError` is thrown if that is not valid.
 * @param {string} text @param {boolean} isRegular @param {boolean} isExact
 */
const patternOf = (text, isRegular, isExact) => new RegExp(isRegular ? text : escapeRegExp(text), isExact ? "gu" : "giu");

/**
 * Count the rows that would have the folder and name of another row.
 * @param {Store} store @param {ReplaceableColumn} column @param {Map<string, Value>} values
 */
function countSame(store, column, values) {
  if (column !== "file_name" && column !== "folder") return 0;
  /** @type {Map<string, string[]>} */
  const targets = new Map();
  for (const row of store.rows.values()) {
    const after = values.get(row.id);
    const name = column === "file_name" ? (after ?? row.name) : row.name;
    const folder = column === "folder" ? (after ?? row.folder) : row.folder;
    const target = `${folder || "/"}\n${name}`;
    const ids = targets.get(target);
    if (ids) ids.push(row.id);
    else targets.set(target, [row.id]);
  }
  let count = 0;
  for (const ids of targets.values()) if (ids.length > 1) for (const id of ids) if (values.has(id)) count += 1;
  return count;
}

/** @param {string} text */
const escapeRegExp = (text) => text.replace(/[.*+?^${}()|[\]\\/]/g, "\\$&");

/** The first of the values that will change, and how many there are. */
export class ChangePreview {
  constructor() {
    this.count = h("p", { role: "status" });
    this.same = h("p", { class: "ik-same-names", role: "status" });
    this.list = h("ul", { class: "ik-changes" });
    this.element = h("div", { class: "ik-change-preview" }, this.count, this.same, this.list);
  }

  /** @param {Change[]} changes @param {number} rows @param {number} [same] those that would have a name and folder of another */
  show(changes, rows, same = 0) {
    this.same.textContent = same ? STRINGS.sameNames(same) : "";
    this.count.classList.remove("ik-problem-text");
    this.count.textContent = STRINGS.willChange(rows);
    const items = changes.slice(0, SHOWN).map(([before, after]) => changeItem(before, after));
    this.list.replaceChildren(...items);
  }

  /** @param {string} text */
  fail(text) {
    this.same.textContent = "";
    this.count.classList.add("ik-problem-text");
    this.count.textContent = text;
    this.list.replaceChildren();
  }
}

/** @param {string} before @param {string | null} after */
function changeItem(before, after) {
  const arrow = h("span", { "aria-hidden": "true" }, "→");
  const text = after === null ? STRINGS.keepsName : after;
  return h("li", {}, h("span", { class: "ik-text" }, before), arrow, h("strong", { class: "ik-text" }, text));
}

/** @param {string} label @param {string} value */
const textInput = (label, value) => h("input", { type: "text", value, "aria-label": label, spellcheck: "false" });

/** @param {string} label @param {HTMLElement} control */
export const labeled = (label, control) => h("div", { class: "ik-field" }, h("span", { class: "ik-label", "aria-hidden": "true" }, label), control);

/** Open a dialog with fields and a button that applies them. @param {Ui} ui @param {string} title @param {Child[]} fields @param {() => void} apply */
export function openForm(ui, title, fields, apply) {
  const dialog = h("dialog", { class: "ik-dialog", "aria-label": title }, [
    h("h2", {}, title),
    ...fields,
    h("div", { class: "ik-buttons" }, [
      button({ text: STRINGS.cancel, press: () => dialog.close() }),
      button({ text: STRINGS.apply, kind: "ik-primary", press: apply }),
    ]),
  ]);
  dialog.addEventListener("keydown", (event) => {
    event.stopPropagation();
    if (event.key !== "Enter" || !(event.target instanceof HTMLInputElement)) return;
    event.preventDefault();
    apply();
  });
  dialog.addEventListener("close", () => {
    dialog.remove();
    ui.grid.focus(ui.view.active);
  });
  ui.root.append(dialog);
  dialog.showModal();
  return dialog;
}
