// The table: one row per file, filled again in place, so that an element keeps the focus.

import { button, h, setAttribute, setText } from "./dom.js";
import { kindText, sizeText } from "./format.js";
import { icon } from "./icons.js";
import { OWN_PLACES } from "./own-columns.js";
import { pictureText } from "./picture.js";
import { problemsAt, showProblems } from "./problems.js";
import { actionButtons } from "./row-actions.js";
import {
  fillBar,
  fillIfChanged,
  folderText,
  idOf,
  isPrivate,
  noteOf,
  privateSign,
  progressBar,
  selectionMark,
  shareOf,
  shownState,
  stateIcon,
  storedName,
} from "./row-parts.js";
import { isNotUploaded } from "./states.js";
import { STRINGS } from "./strings.js";

export const TABLE_COLUMNS = ["name", ...OWN_PLACES, "description", "folder", "tags", "kind", "size", "state", "actions"];
const CHOSEN_COLUMNS = new Set([...OWN_PLACES, "description"]);
const SHOWN_TAGS = 2;
const PHONE = 480; // pixels of the list, below which a row is a card

/**
 * The columns besides the name and the state, the last ones first to go: their widths, and the least width of the list.
 * @type {[column: string, width: string, least: number][]}
 */
const OPTIONAL_COLUMNS = [
  ["own1", "minmax(0, 1.2fr)", PHONE],
  ["own2", "minmax(0, 1.2fr)", 580],
  ["own3", "minmax(0, 1.2fr)", 700],
  ["description", "minmax(0, 2fr)", 580],
  ["folder", "minmax(0, 1.6fr)", 540],
  ["tags", "minmax(0, 1.8fr)", 660],
  ["kind", "60px", 800],
  ["size", "84px", PHONE],
];

/** @type {Layout} */
export const tableLayout = {
  name: "table",
  measure: (width) => ({ perLine: 1, lineHeight: width < PHONE ? 68 : 44 }),
  header: tableHeader,
  create: createRow,
  fill: fillRow,
};

/**
 * Choose the columns that a list of a width has room for, without those whose value all rows share.
 * @param {number} width @param {Map<string, string>} shared
 * @param {string[]} chosen those that are shown only if they were chosen
 */
export function tableColumns(width, shared, chosen) {
  const columns = OPTIONAL_COLUMNS.filter(
    ([column, , least]) =>
      width >= least && !shared.has(column) && (!CHOSEN_COLUMNS.has(column) || chosen.includes(column)),
  );
  if (width < PHONE) return { names: ["phone"], template: "minmax(0, 1fr) auto" };
  const widths = columns.map(([, columnWidth]) => columnWidth).join(" ");
  return {
    names: columns.map(([column]) => column),
    template: `minmax(0, 3fr) ${widths} minmax(150px, 1.9fr)`,
  };
}

/** @param {Ui} ui */
function tableHeader(ui) {
  const cells = TABLE_COLUMNS.map((column) => {
    const content =
      column === "actions" ? h("span", { class: "ik-hidden" }, STRINGS.columns.actions) : sortButton(ui, column);
    const cell = { class: `ik-cell ik-${column}`, role: "columnheader", "data-column": column };
    return h("div", cell, column === "name" ? selectAllBox(ui) : null, content);
  });
  return h("div", { class: "ik-row ik-head", role: "row", "aria-rowindex": "1" }, cells);
}

/** @param {Ui} ui */
function selectAllBox({ view }) {
  /** @param {{ target: HTMLInputElement }} event */
  const onchange = ({ target }) => (target.checked ? view.selectAll() : view.clearSelection());
  return h("input", { type: "checkbox", class: "ik-select-all", "aria-label": STRINGS.selectAll, onchange });
}

/** @param {Ui} ui @param {string} column */
function sortButton(ui, column) {
  const onclick = () => ui.view.sortBy(column);
  return h("button", { type: "button", class: "ik-sort", onclick }, [
    h("span", {}, STRINGS.columns[column]),
    h("span", { class: "ik-sort-sign" }),
  ]);
}

/**
 * Show in the header how the rows are sorted, and how many of them are selected.
 * @param {Ui} ui @param {HTMLElement} header
 */
export function fillTableHeader({ view }, header) {
  for (const cell of header.querySelectorAll("[data-column]")) {
    const sorted = cell.getAttribute("data-column") === view.sort;
    setAttribute(cell, "aria-sort", sorted && (view.descending ? "descending" : "ascending"));
    cell.querySelector(".ik-sort-sign")?.replaceChildren(...(sorted ? [icon(view.descending ? "down" : "up")] : []));
  }
  for (const place of OWN_PLACES) setText(header.querySelector(`.ik-${place} .ik-sort > span`), view.own.nameAt(place));
  const checked = view.selectedShare === "all";
  Object.assign(header.querySelector("input") ?? {}, { checked, indeterminate: view.selectedShare === "some" });
}

function createRow() {
  /** @type {Record<string, HTMLElement>} */
  const cells = {};
  for (const column of TABLE_COLUMNS) {
    cells[column] = h("div", { class: `ik-cell ik-${column}`, role: "gridcell", tabindex: "-1", "data-stop": "" });
  }
  const parts = {
    name: h("span", { class: "ik-text" }),
    details: h("span", { class: "ik-sub" }),
    folder: h("span", { class: "ik-text" }),
    thumbnail: h("span", { class: "ik-thumb" }),
    lock: h("span", { class: "ik-lock" }),
  };
  const lines = h("span", { class: "ik-lines" }, parts.name, parts.details);
  cells.name.append(selectionMark(), parts.thumbnail, lines, parts.lock);
  cells.folder.append(parts.folder);
  const element = h("div", { class: "ik-row", role: "row" }, Object.values(cells));
  return Object.assign(element, { ik: { cells, parts, shown: {} } });
}

/** @param {Ui} ui @param {Item} item @param {Row} row */
function fillRow(ui, item, row) {
  const { cells, parts } = item.ik;
  setText(parts.name, row.name);
  setText(parts.details, detailsText(ui, row));
  setText(parts.folder, folderText(row));
  cells.name.title = row.name;
  cells.folder.title = folderText(row);
  ui.thumbnails.show(parts.thumbnail, row);
  setText(cells.kind, kindText(row));
  for (const place of OWN_PLACES) {
    setText(cells[place], ui.view.own.text(place, row));
    cells[place].title = ui.view.own.text(place, row);
  }
  setText(cells.description, row.description ?? "");
  cells.description.title = row.description ?? "";
  fillIfChanged(item, "lock", String(isPrivate(ui, row)), () =>
    parts.lock.replaceChildren(...(isPrivate(ui, row) ? [privateSign()] : [])),
  );
  fillIfChanged(item, "tags", (row.tags || []).join("\n"), () => fillTags(cells.tags, row.tags || []));
  fillIfChanged(item, "size", sizeText(row), () => cells.size.replaceChildren(sizeText(row)));
  for (const cell of ["name", "folder", "tags", "size"]) fillProblemIcon(ui, item, cell, row);
  fillState(ui, item, row);
  fillActions(ui, item, row);
}

/** Return the line below a name: the stored name if it is another, and what has no column. @param {Ui} ui @param {Row} row */
function detailsText({ grid, shared }, row) {
  const stored = storedName(row);
  const hidden = (/** @type {string} */ column) => !grid.columns.includes(column) && !shared.values.has(column);
  const texts = [
    stored && STRINGS.storedAs(stored),
    pictureText(row),
    hidden("folder") && folderText(row),
    !grid.columns.includes("size") && sizeText(row),
  ];
  return texts.filter(Boolean).join(" · ");
}

/** @param {HTMLElement} cell @param {string[]} tags */
function fillTags(cell, tags) {
  const chips = tags.slice(0, SHOWN_TAGS).map((tag) => h("span", { class: "ik-tag" }, tag));
  if (tags.length > SHOWN_TAGS) chips.push(h("span", { class: "ik-more" }, STRINGS.moreTags(tags.length - SHOWN_TAGS)));
  cell.replaceChildren(...chips);
  cell.title = tags.join(", ");
}

/**
 * Show an icon in the cell that a problem belongs to; it opens the explanation.
 * @param {Ui} ui @param {Item} item @param {string} name @param {Row} row
 */
function fillProblemIcon(ui, item, name, row) {
  const problems = problemsAt(row, name);
  const cell = item.ik.cells[name];
  fillIfChanged(item, `${name} problems`, JSON.stringify(problems), () => {
    cell.querySelector(".ik-problem-sign")?.remove();
    cell.classList.toggle("ik-bad", problems.length > 0);
    setFocusable(cell, !problems.length);
    if (problems.length) cell.append(problemIcon(ui, item, name, problems));
  });
}

/** @param {Ui} ui @param {Item} item @param {string} name @param {Problem[]} problems */
function problemIcon(ui, item, name, problems) {
  const label = `${STRINGS.columns[name]}: ${problems.map((problem) => problem.message).join(" ")}`;
  const press = problemOpener(ui, item, (row) => problemsAt(row, name));
  return button({ icon: "warn", label, press, kind: "ik-problem-sign", tabindex: "-1", "data-stop": "" });
}

/**
 * Return a listener that shows the problems of the row that an item shows then.
 * @param {Ui} ui @param {Item} item @param {(row: Row) => Problem[] | undefined} problemsOf
 */
function problemOpener(ui, item, problemsOf) {
  /** @param {On<Event>} event */
  return ({ currentTarget }) => {
    const row = ui.store.get(idOf(item));
    if (row) showProblems(ui, row, currentTarget, problemsOf(row));
  };
}

/**
 * Set whether a cell itself can have the focus, or else what is in it.
 * @param {HTMLElement} cell @param {boolean} focusable
 */
function setFocusable(cell, focusable) {
  setAttribute(cell, "data-stop", focusable ? "" : null);
  setAttribute(cell, "tabindex", focusable ? "-1" : null);
}

/** @param {Ui} ui @param {Item} item @param {Row} row */
function fillState(ui, item, row) {
  const state = shownState(ui.store, row);
  const note = noteOf(row);
  const cell = item.ik.cells.state;
  fillIfChanged(item, "state", [row.id, state, note, row.problems?.length].join("\n"), () => {
    const explained = row.state === "invalid" || isNotUploaded(row);
    setFocusable(cell, !explained);
    cell.title = explained ? "" : STRINGS.stateHints[state] || "";
    cell.replaceChildren(explained ? stateButton(ui, item) : h("span", { class: "ik-state" }));
    cell.firstElementChild?.append(stateIcon(state), stateLines(row, state, note));
  });
  const bar = cell.querySelector(".ik-bar");
  if (!bar) return;
  const share = shareOf(ui.store, row);
  fillBar(bar, share);
  if (share !== null) setText(cell.querySelector(".ik-state-word"), STRINGS.withPercent(STRINGS.states.sending, Math.round(100 * share)));
}

/** @param {Row} row @param {ShownState} state @param {string} note */
function stateLines(row, state, note) {
  const noteLine = note ? h("span", { class: "ik-note", title: note }, note) : null;
  const second = state === "sending" ? progressBar(STRINGS.progressOne(row.name)) : noteLine;
  return h("span", { class: "ik-lines" }, h("span", { class: "ik-state-word" }, STRINGS.states[state]), second);
}

/** @param {Ui} ui @param {Item} item */
function stateButton(ui, item) {
  const onclick = problemOpener(ui, item, (row) => row.problems);
  const focus = { tabindex: "-1", "data-stop": "", "aria-haspopup": "dialog" };
  return h("button", { type: "button", class: "ik-state ik-state-button", ...focus, onclick });
}

/** @param {Ui} ui @param {Item} item @param {Row} row */
function fillActions(ui, item, row) {
  const key = [row.id, shownState(ui.store, row), row.result?.final, row.name, row.result?.url, row.source].join("\n");
  fillIfChanged(item, "actions", key, () => {
    const cell = item.ik.cells.actions;
    setFocusable(cell, false);
    cell.replaceChildren(...actionButtons(ui, row));
  });
}
