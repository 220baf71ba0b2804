// The table: a row a file, filled again in place, so that what has the focus keeps it.

import { button, h, setOrDrop, setText } from "./dom.js";
import { kindText } from "./format.js";
import { icon } from "./icons.js";
import { problemsAt, showProblems } from "./problems.js";
import { actionButtons, bar, fillBar, folderText, noteOf, shareOf, shownState, sizeText } from "./row-parts.js";
import { STATE_SIGNS, isBusy, isDown } from "./states.js";
import { STRINGS } from "./strings.js";

export const TABLE_COLUMNS = ["name", "folder", "tags", "kind", "size", "state", "actions"];
const SHOWN_TAGS = 2;

export const tableLayout = {
  name: "table",
  height: 44,
  per: () => 1,
  header: (ui) => tableHeader(ui),
  create: () => createRow(),
  fill: (ui, element, row) => fillRow(ui, element, row),
};

function tableHeader(ui) {
  const cells = TABLE_COLUMNS.map((column) => headerCell(ui, column));
  return h("div", { class: "ik-row ik-head", role: "row", "aria-rowindex": "1" }, cells);
}

function headerCell(ui, column) {
  const cell = h("div", { class: `ik-cell ik-${column}`, role: "columnheader", "data-column": column });
  if (column === "name") cell.append(selectAllBox(ui));
  if (column === "actions") cell.append(h("span", { class: "ik-hidden" }, STRINGS.columns.actions));
  else cell.append(sortButton(ui, column));
  return cell;
}

function selectAllBox(ui) {
  const change = (event) => (event.target.checked ? ui.view.selectAll() : ui.view.selectNone());
  return h("input", { type: "checkbox", class: "ik-select-all", "aria-label": STRINGS.selectAll, onchange: change });
}

function sortButton(ui, column) {
  const press = () => ui.view.sortBy(column);
  return h("button", { type: "button", class: "ik-sort", onclick: press }, [
    h("span", {}, STRINGS.columns[column]),
    h("span", { class: "ik-sort-sign" }),
  ]);
}

/** Show in the header by what the rows are sorted, and how many of them are selected. */
export function fillTableHeader(ui, header) {
  for (const cell of header.children) {
    const sorted = cell.dataset.column === ui.view.sort;
    setOrDrop(cell, "aria-sort", sorted ? (ui.view.down ? "descending" : "ascending") : null);
    cell.querySelector(".ik-sort-sign")?.replaceChildren(...(sorted ? [icon(ui.view.down ? "down" : "up")] : []));
  }
  const box = header.querySelector(".ik-select-all");
  box.checked = ui.view.share === "all";
  box.indeterminate = ui.view.share === "some";
}

function createRow() {
  const cells = {};
  for (const column of TABLE_COLUMNS) {
    cells[column] = h("div", { class: `ik-cell ik-${column}`, role: "gridcell", tabindex: "-1", "data-stop": "" });
  }
  const parts = {
    name: h("span", { class: "ik-text" }),
    folder: h("span", { class: "ik-text" }),
    thumb: h("span", { class: "ik-thumb" }),
  };
  parts.sub = h("span", { class: "ik-sub" });
  cells.name.append(mark(), parts.thumb, h("span", { class: "ik-lines" }, parts.name, parts.sub));
  cells.folder.append(parts.folder);
  const element = h("div", { class: "ik-row", role: "row" }, Object.values(cells));
  element.ik = { cells, parts, shown: {} };
  return element;
}

export function mark() {
  return h("span", { class: "ik-mark", "aria-hidden": "true" }, icon("check"));
}

function fillRow(ui, element, row) {
  const { cells, parts } = element.ik;
  setText(parts.name, row.name);
  setText(parts.sub, [folderText(row), sizeText(row)].filter(Boolean).join(" · "));
  setText(parts.folder, folderText(row));
  cells.name.title = row.name;
  cells.folder.title = folderText(row);
  ui.thumbnails.show(parts.thumb, row);
  setText(cells.kind, kindText(row));
  fillOnce(element, "tags", (row.tags || []).join("\n"), () => fillTags(cells.tags, row.tags || []));
  fillOnce(element, "size", sizeText(row), () => cells.size.replaceChildren(sizeText(row)));
  for (const cell of ["name", "folder", "tags", "size"]) fillProblemSign(ui, element, cell, row);
  fillState(ui, element, row);
  fillActions(ui, element, row);
}

/** Fill a part only when what it shows has changed: new buttons would lose the focus. */
export function fillOnce(element, part, key, fill) {
  if (element.ik.shown[part] === key) return;
  element.ik.shown[part] = key;
  fill();
}

function fillTags(cell, tags) {
  const chips = tags.slice(0, SHOWN_TAGS).map((tag) => h("span", { class: "ik-tag" }, tag));
  if (tags.length > SHOWN_TAGS) chips.push(h("span", { class: "ik-more" }, STRINGS.moreTags(tags.length - SHOWN_TAGS)));
  cell.replaceChildren(...chips);
  cell.title = tags.join(", ");
}

/** Put a sign into the cell that a problem belongs to; it opens what is to be known of it. */
function fillProblemSign(ui, element, cell, row) {
  const problems = problemsAt(row, cell);
  const place = element.ik.cells[cell];
  fillOnce(element, `${cell} problems`, JSON.stringify(problems), () => {
    place.querySelector(".ik-problem-sign")?.remove();
    place.classList.toggle("ik-bad", problems.length > 0);
    setStop(place, !problems.length);
    if (problems.length) place.append(problemSign(ui, element, cell, problems));
  });
}

function problemSign(ui, element, cell, problems) {
  const press = (event) => {
    const row = ui.store.get(element.dataset.id);
    if (row) showProblems(ui, row, event.currentTarget, problemsAt(row, cell));
  };
  const label = `${STRINGS.columns[cell]}: ${problems.map((problem) => problem.message).join(" ")}`;
  return button({ sign: "warn", label, press, kind: "ik-problem-sign", tabindex: "-1", "data-stop": "" });
}

/** Say whether the keyboard stops at the cell itself, or at what is in it. */
function setStop(cell, itself) {
  setOrDrop(cell, "data-stop", itself ? "" : null);
  setOrDrop(cell, "tabindex", itself ? "-1" : null);
}

function fillState(ui, element, row) {
  const state = shownState(ui.store, row);
  const note = noteOf(row);
  const cell = element.ik.cells.state;
  fillOnce(element, "state", [row.id, state, note, row.problems?.length].join("\n"), () => {
    const asks = row.state === "invalid" || isDown(row);
    const parts = stateParts(row, state, note);
    setStop(cell, !asks);
    cell.title = asks ? "" : STRINGS.stateHints[state] || "";
    cell.replaceChildren(asks ? stateButton(ui, element, parts) : h("span", { class: "ik-state" }, parts));
  });
  const bars = cell.querySelector(".ik-bar");
  if (bars) fillBar(bars, shareOf(ui.store, row));
}

function stateParts(row, state, note) {
  const under =
    state === "sending" ? bar(STRINGS.progressOne(row.name)) : note ? h("span", { class: "ik-note" }, note) : null;
  return [stateSign(state), h("span", { class: "ik-lines" }, h("span", {}, STRINGS.states[state]), under)];
}

export function stateSign(state) {
  return h("span", { class: `ik-sign ik-is-${state}` }, icon(STATE_SIGNS[state]));
}

function stateButton(ui, element, parts) {
  const press = (event) => {
    const now = ui.store.get(element.dataset.id);
    if (now) showProblems(ui, now, event.currentTarget);
  };
  return h(
    "button",
    {
      type: "button",
      class: "ik-state ik-state-button",
      tabindex: "-1",
      "data-stop": "",
      "aria-haspopup": "dialog",
      onclick: press,
    },
    parts,
  );
}

function fillActions(ui, element, row) {
  const cell = element.ik.cells.actions;
  const kind = isBusy(row) ? "busy" : row.state;
  fillOnce(element, "actions", [row.id, kind, row.name, row.result?.url, row.source].join("\n"), () => {
    const buttons = actionButtons(ui, row);
    setStop(cell, !buttons.length);
    cell.replaceChildren(...buttons);
  });
}
