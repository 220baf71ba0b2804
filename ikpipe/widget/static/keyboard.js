// Keys in the list: arrows move, Shift extends the selection, Space selects, Enter opens the preview.

import { cellOfKey, editCell } from "./cell-editor.js";
import { idOf, itemAt } from "./row-parts.js";

/** @type {Record<string, (grid: Grid, position: number) => number>} */
const MOVES = {
  ArrowUp: (grid, position) => position - grid.perLine,
  ArrowDown: (grid, position) => position + grid.perLine,
  PageUp: (grid, position) => position - grid.perLine * grid.linesPerPage,
  PageDown: (grid, position) => position + grid.perLine * grid.linesPerPage,
};

/** @type {Record<string, (ui: Ui, id: string, event: KeyboardEvent) => void>} */
const ACTIONS = {
  Enter: (ui, id) => ui.preview(id),
  " ": (ui, id, event) => (event.shiftKey ? ui.view.selectTo(id) : ui.view.toggle(id)),
  // rows that a filter hides stay
  Delete: (ui, id) => ui.remove(affected(ui, id).filter((other) => ui.view.positionOf(other) >= 0)),
  F2: (ui, id) => ui.edit(affected(ui, id)),
  Escape: (ui) => ui.view.clearSelection(),
};

/**
 * Return the rows that a key affects: the selection, or the row with the focus if it is not selected.
 * @param {Ui} ui @param {string} id
 */
function affected(ui, id) {
  return ui.store.selection.has(id) ? [...ui.store.selection] : [id];
}

/** @param {Grid} grid @param {On<KeyboardEvent>} event */
export function keyPressed(grid, event) {
  const item = itemAt(event.target);
  if (!item || event.altKey) return;
  if (handleKey(grid, event, idOf(item))) event.preventDefault();
}

/**
 * Do what a key stands for, and return whether it stands for anything.
 * @param {Grid} grid @param {On<KeyboardEvent>} event @param {string} id
 */
function handleKey(grid, event, id) {
  const { ui } = grid;
  const command = event.ctrlKey || event.metaKey;
  if (command && event.key.toLowerCase() === "a") {
    ui.view.selectAll();
    return true;
  }
  const cell = grid.layout.name === "table" ? cellOfKey(event) : null;
  if (cell) return editCell(grid, id, cell.column, cell.typed);
  if (event.key === "ArrowLeft" || event.key === "ArrowRight") return moveSideways(grid, event, id);
  if (event.key === "Home" || event.key === "End") return moveToEnd(grid, event, id, command);
  if (MOVES[event.key]) return move(grid, MOVES[event.key](grid, ui.view.positionOf(id)), event);
  // a button with the focus handles Enter and Space itself
  if ("Enter ".includes(event.key) && event.target.matches("button, a")) return false;
  if (!ACTIONS[event.key] || command) return false;
  ACTIONS[event.key](ui, id, event);
  return true;
}

/** @param {Grid} grid @param {number} position @param {KeyboardEvent} event */
function move(grid, position, event) {
  const { view } = grid.ui;
  const to = view.visible[Math.max(0, Math.min(position, view.visible.length - 1))];
  if (event.shiftKey) view.selectTo(to);
  else view.anchor = to;
  grid.focus(to);
  return true;
}

/**
 * Move to the next card, or within a row of the table.
 * @param {Grid} grid @param {On<KeyboardEvent>} event @param {string} id
 */
function moveSideways(grid, event, id) {
  const step = event.key === "ArrowLeft" ? -1 : 1;
  if (grid.layout.name === "gallery") return move(grid, grid.ui.view.positionOf(id) + step, event);
  const item = grid.itemOf(id);
  const stops = item ? grid.stopsOf(item) : [];
  grid.focus(id, Math.max(0, Math.min(stops.indexOf(event.target) + step, stops.length - 1)));
  return true;
}

/**
 * Move to an end of the table's row; with Ctrl, and in the gallery, of the list.
 * @param {Grid} grid @param {KeyboardEvent} event @param {string} id @param {boolean} command
 */
function moveToEnd(grid, event, id, command) {
  const end = event.key === "End" ? Infinity : 0;
  if (grid.layout.name === "gallery" || command) return move(grid, end, event);
  grid.focus(id, end);
  return true;
}
