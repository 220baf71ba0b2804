// What is wrong with a row, why, and the button that fixes it.

import { button, h, popover } from "./dom.js";
import { isFixable } from "./fixing.js";
import { icon } from "./icons.js";
import { isNotUploaded, isRetryable } from "./states.js";
import { STRINGS } from "./strings.js";

/** @type {Record<string, string>} */
const COLUMN_CELLS = { file_name: "name", folder: "folder", tags: "tags" };

/**
 * Return the problems that a cell of the table shows; those of columns without a cell are shown with the state.
 * @param {Row} row @param {string} cell
 */
export function problemsAt(row, cell) {
  return (row.problems || []).filter(
    ({ code, column }) => cell === (code === "file_too_large" ? "size" : COLUMN_CELLS[column] || "state"),
  );
}

/**
 * Return what a group of problems of the same kind have in common: their message, or a title and the column.
 * @param {Queue} queue @param {[Row, Problem][]} group
 */
export function problemTitle(queue, group) {
  const [[, { column, code, message }]] = group;
  const title = STRINGS.problemTitles[code];
  if (!title || group.every(([, problem]) => problem.message === message)) return message;
  const name = column.replace(/^custom_metadata\./, "");
  const field = queue.settings.fields?.find((other) => other.name === name);
  const label = field ? field.label || name : STRINGS.fields[/** @type {keyof typeof STRINGS.fields} */ (column)];
  return label ? STRINGS.problemInColumn(title, label) : title;
}

/**
 * Create a list of problems: what is wrong, what to do, and a button if a fix is known.
 * @param {Queue} queue @param {Row} row
 */
export function problemList(queue, row, problems = row.problems ?? []) {
  const items = problems.map((problem) =>
    h("li", { class: "ik-problem" }, [
      icon("warn"),
      h("div", { class: "ik-problem-text" }, [
        h("strong", {}, problem.message),
        problem.fix ? h("span", {}, problem.fix) : null,
        detailsOf(problem.details),
      ]),
      isFixable(problem) && fixButton(queue, row, problem),
    ]),
  );
  return h("ul", { class: "ik-problems" }, items);
}

/** @param {Queue} queue @param {Row} row @param {Problem} problem */
function fixButton(queue, row, { column, suggestion }) {
  const text = Array.isArray(suggestion) ? suggestion.join(", ") : String(suggestion);
  return button({
    text: text ? STRINGS.useValue(text) : STRINGS.clearValue,
    kind: "ik-fix",
    press: () => queue.edit([row.id], column, suggestion),
  });
}

/** Create what Python or the service reported in its own words, which is shown on request. @param {string} [text] */
export function detailsOf(text, code = "") {
  if (!text && !code) return null;
  return h("details", { class: "ik-service-details" }, [
    h("summary", {}, STRINGS.serviceDetails),
    text ? h("p", {}, text) : null,
    code ? h("code", {}, code) : null,
  ]);
}

/** Create the explanation of a row's result: what happened, and what to do. @param {Row} row */
export function outcome(row) {
  const { message, error, what, details } = row.result ?? {};
  const uncheckable = row.state === "unknown" && row.result?.final;
  const hint = uncheckable ? STRINGS.cannotCheck : what || (message ? "" : STRINGS.stateHints[row.state]);
  return h("div", { class: "ik-outcome" }, [
    h("strong", {}, message || STRINGS.states[row.state]),
    hint ? h("span", {}, hint) : null,
    detailsOf(details, error),
  ]);
}

/** Open a panel with what is wrong with a row. @param {Ui} ui @param {Row} row @param {HTMLElement} anchor */
export function showProblems(ui, row, anchor, problems = row.problems ?? []) {
  /** @type {Child[]} */
  const body = [h("h2", {}, row.name)];
  if (problems.length) body.push(problemList(ui.queue, row, problems));
  if (isNotUploaded(row)) body.push(outcome(row));
  if (isRetryable(row)) {
    const press = () => {
      ui.queue.retry([row.id]);
      panel.hidePopover();
    };
    body.push(button({ icon: "retry", text: STRINGS.retry, press }));
  }
  const label = isNotUploaded(row) ? STRINGS.whyFailed(row.name) : STRINGS.problemsWith(row.name);
  const panel = popover(ui.root, anchor, body, { role: "dialog", "aria-label": label });
  const removeListener = ui.store.on("rows", (changed) => {
    if (changed.has(row.id) && ui.store.get(row.id) !== row && panel.matches(":popover-open")) panel.hidePopover();
  });
  panel.addEventListener("toggle", (event) => event.newState === "closed" && removeListener());
  panel.querySelector("button")?.focus();
}
