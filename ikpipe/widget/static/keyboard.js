// The keyboard in the list: arrows move, Shift selects on the way, Space chooses, Enter looks.

const MOVES = {
  ArrowUp: (grid, at) => at - grid.per,
  ArrowDown: (grid, at) => at + grid.per,
  PageUp: (grid, at) => at - grid.per * grid.page,
  PageDown: (grid, at) => at + grid.per * grid.page,
};

const ACTS = {
  Enter: (ui, id) => ui.preview(id),
  " ": (ui, id, event) => (event.shiftKey ? ui.view.selectTo(id) : ui.view.toggle(id)),
  Delete: (ui, id) => ui.remove(chosen(ui, id).filter((one) => ui.view.placeOf(one) >= 0)), // nothing unseen
  F2: (ui, id) => ui.edit(chosen(ui, id)),
  Escape: (ui) => ui.view.selectNone(),
};

/** Give the rows that a key is about: the selection, else the row that the keyboard is at. */
function chosen(ui, id) {
  return ui.store.selection.has(id) ? [...ui.store.selection] : [id];
}

export function pressedInGrid(grid, event) {
  const item = event.target.closest("[data-id]");
  if (!item || event.altKey) return;
  if (pressed(grid, event, item.dataset.id)) event.preventDefault();
}

/** Do what a key says; the answer tells whether it said anything. */
export function pressed(grid, event, id) {
  const { ui } = grid;
  const command = event.ctrlKey || event.metaKey;
  if (command && event.key.toLowerCase() === "a") {
    ui.view.selectAll();
    return true;
  }
  if (event.key === "ArrowLeft" || event.key === "ArrowRight") return sideways(grid, event, id);
  if (event.key === "Home" || event.key === "End") return toEdge(grid, event, id, command);
  if (MOVES[event.key]) return move(grid, MOVES[event.key](grid, ui.view.placeOf(id)), event);
  // a button under the keyboard has Enter and Space for itself
  if ("Enter ".includes(event.key) && event.target.matches("button, a")) return false;
  if (!ACTS[event.key] || command) return false;
  ACTS[event.key](ui, id, event);
  return true;
}

function move(grid, place, event) {
  const { view } = grid.ui;
  const to = view.visible[Math.max(0, Math.min(place, view.visible.length - 1))];
  if (event.shiftKey) view.selectTo(to);
  else view.anchor = to;
  grid.focus(to);
  return true;
}

/** Left and right: to the neighbour card, or along the stops of a table's row. */
function sideways(grid, event, id) {
  const step = event.key === "ArrowLeft" ? -1 : 1;
  if (grid.layout.name === "gallery") return move(grid, grid.ui.view.placeOf(id) + step, event);
  const stops = grid.stopsOf(grid.itemOf(id));
  grid.focus(id, Math.max(0, Math.min(stops.indexOf(event.target) + step, stops.length - 1)));
  return true;
}

/** Home and End: the ends of a table's row; with Ctrl, and in the gallery, those of the list. */
function toEdge(grid, event, id, command) {
  const last = event.key === "End";
  if (grid.layout.name === "table" && !command) {
    grid.focus(id, last ? Infinity : 0);
    return true;
  }
  return move(grid, last ? Infinity : 0, event);
}
