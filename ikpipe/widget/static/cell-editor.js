// Editing a name, a folder, tags or a description where the table shows them.

import { h } from "./dom.js";
import { extensionOf, newName } from "./format.js";
import { isChangeable, isEditable } from "./states.js";
import { STRINGS } from "./strings.js";

/** @type {Record<string, string>} */
const CELL_PARAMETERS = { name: "file_name", folder: "folder", tags: "tags", description: "description" };

/**
 * Return the cell with the focus, if a key starts to edit it: Shift+F2, or a character, which replaces the text.
 * @param {On<KeyboardEvent>} event
 */
export function cellOfKey({ target, key, shiftKey, ctrlKey, metaKey }) {
  const typed = [...key].length === 1 && key !== " " && !ctrlKey && !metaKey;
  const column = columnOf(target);
  return column && (typed || (key === "F2" && shiftKey)) ? { column, typed: typed ? key : null } : null;
}

/** Return the column of the cell that an element is in, if it can be edited in the table. @param {Element} element */
export function columnOf(element) {
  return element.closest("button, a") ? undefined : Object.keys(CELL_PARAMETERS).find((name) => element.closest(`.ik-cell.ik-${name}`));
}

/**
 * Edit a cell of the table, and return whether its row can be changed.
 * @param {Grid} grid @param {string} id @param {string} column @param {string | null} typed what replaces its text
 */
export function editCell(grid, id, column, typed = null) {
  const { ui } = grid;
  const [row] = ui.store.all([id]);
  const cell = grid.itemOf(id)?.ik.cells?.[column];
  if (!row || !cell || ui.isOff() || !(isEditable(row) || isChangeable(ui.queue, row))) return false;
  const before = cellText(row, column);
  const label = `${STRINGS.columns[column]}: ${row.name}`;
  const input = h("input", { type: "text", class: "ik-cell-editor", value: before, "aria-label": label, spellcheck: "false" });
  let isOpen = true;
  const close = (/** @type {boolean} */ save) => {
    if (!isOpen) return;
    isOpen = false;
    const text = input.value.trim();
    input.remove();
    if (save && text !== before) void ui.saveValues(CELL_PARAMETERS[column], new Map([[id, cellValue(row, column, text)]]));
  };
  input.addEventListener("blur", () => close(true));
  input.addEventListener("keydown", (event) => {
    if (!["Enter", "Escape", "Tab"].includes(event.key) || event.isComposing) return;
    event.preventDefault();
    event.stopPropagation();
    close(event.key !== "Escape");
    if (event.key !== "Tab" || !editNext(grid, id, column, event.shiftKey ? -1 : 1)) focusCell(grid, id, column);
  });
  layOver(grid, cell, input);
  input.focus({ preventScroll: true });
  if (typed === null) input.select();
  else input.value = typed;
  return true;
}

/** Lay a field over a cell; it is outside of the rows, which are filled again and moved. @param {Grid} grid @param {HTMLElement} cell @param {HTMLElement} input */
function layOver({ element }, cell, input) {
  const [outer, inner] = [element.getBoundingClientRect(), cell.getBoundingClientRect()];
  const [top, left] = [inner.top - outer.top + element.scrollTop, inner.left - outer.left + element.scrollLeft];
  Object.assign(input.style, { top: `${top}px`, left: `${left}px`, width: `${inner.width}px`, height: `${inner.height}px` });
  element.append(input);
}

/**
 * Edit the next cell, or the previous one, also of another row; return whether there is one.
 * @param {Grid} grid @param {string} id @param {string} column @param {number} step
 */
function editNext(grid, id, column, step) {
  const { view } = grid.ui;
  const columns = ["name", ...grid.columns.filter((name) => name in CELL_PARAMETERS)];
  const at = view.positionOf(id) * columns.length + columns.indexOf(column) + step;
  const next = view.visible[Math.floor(at / columns.length)];
  if (at < 0 || next === undefined) return false;
  const nextColumn = columns[at % columns.length];
  focusCell(grid, next, nextColumn);
  return editCell(grid, next, nextColumn) || next !== id;
}

/** @param {Grid} grid @param {string} id @param {string} column */
function focusCell(grid, id, column) {
  grid.focus(id);
  const item = grid.itemOf(id);
  const stop = item ? grid.stopsOf(item).findIndex((element) => element.closest(`.ik-${column}`)) : -1;
  if (stop >= 0) grid.focus(id, stop);
}

/** @param {Row} row @param {string} column */
function cellText(row, column) {
  if (column === "tags") return (row.tags ?? []).join(", ");
  if (column !== "name") return row[/** @type {"folder" | "description"} */ (column)] ?? "";
  return row.name.slice(0, row.name.length - extensionOf(row.name).length);
}

/** Return the value that a text means; a name keeps its extension, see `newName`. @param {Row} row @param {string} column @param {string} text @returns {Value} */
function cellValue(row, column, text) {
  if (column === "tags") return [...new Set(text.split(",").map((tag) => tag.trim()).filter(Boolean))];
  if (!text || column !== "name") return text || null;
  return newName(row.name, text);
}
