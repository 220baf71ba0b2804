// What is wrong with a row, why, and the button that mends it.

import { button, h, popover } from "./dom.js";
import { icon } from "./icons.js";
import { isDown } from "./states.js";
import { STRINGS } from "./strings.js";

const COLUMN_CELLS = { file_name: "name", folder: "folder", tags: "tags" };

/** Tell the cell of the table that a problem belongs to; what has no cell of its own is shown with the state. */
function cellOf(problem) {
  if (problem.code === "file_too_large") return "size";
  return COLUMN_CELLS[problem.column] || "state";
}

export const problemsAt = (row, cell) => (row.problems || []).filter((problem) => cellOf(problem) === cell);

/** Set out problems: the message, what to do, and the mend where one is known. */
export function problemList(queue, row, problems = row.problems || []) {
  const items = problems.map((problem) => h("li", { class: "ik-problem" }, problemParts(queue, row, problem)));
  return h("ul", { class: "ik-problems" }, items);
}

export function problemParts(queue, row, problem) {
  const text = h("div", { class: "ik-problem-text" }, [
    h("strong", {}, problem.message),
    problem.fix ? h("span", {}, problem.fix) : null,
  ]);
  return [icon("warn"), text, mendButton(queue, row, problem)];
}

function mendButton(queue, row, problem) {
  if (problem.mend === undefined || problem.mend === null) return null;
  const shown = Array.isArray(problem.mend) ? problem.mend.join(", ") : String(problem.mend);
  return button({
    text: shown ? STRINGS.mend(shown) : STRINGS.mendEmpty,
    kind: "ik-mend",
    press: () => queue.edit([row.id], problem.column, problem.mend),
  });
}

/** Set out how a row ended: the service's words, and what to do. */
export function outcome(row) {
  const { message, error, what } = row.result || {};
  const hint = what || STRINGS.stateHints[row.state];
  return h("div", { class: "ik-outcome" }, [
    h("strong", {}, message || STRINGS.states[row.state]),
    hint ? h("span", {}, hint) : null,
    error ? h("code", {}, error) : null,
  ]);
}

/** Open the panel that says what is wrong with a row. */
export function showProblems(ui, row, anchor, problems = row.problems) {
  const body = [h("h2", {}, row.name || STRINGS.unknownSize)];
  if (problems?.length) body.push(problemList(ui.queue, row, problems));
  if (isDown(row))
    body.push(
      outcome(row),
      retryButton(ui, row, () => panel.hidePopover()),
    );
  const label = isDown(row) ? STRINGS.why(row.name) : STRINGS.problemsOf(row.name);
  const panel = popover(ui.root, anchor, body, { role: "dialog", "aria-label": label });
  const end = ui.store.on("rows", (changed) => changed.has(row.id) && closeWhenMended(ui, row, panel));
  panel.addEventListener("toggle", (event) => event.newState === "closed" && end());
  panel.querySelector("button")?.focus();
}

function closeWhenMended(ui, row, panel) {
  const now = ui.store.get(row.id);
  if (now !== row && panel.matches(":popover-open")) panel.hidePopover();
}

function retryButton(ui, row, then) {
  const press = () => {
    ui.queue.retry([row.id]);
    then();
  };
  return button({ sign: "retry", text: STRINGS.retry, press });
}
