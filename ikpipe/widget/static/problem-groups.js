// The problems of all rows, above the list: rows with the same problem are one group, which is fixed by one button.

import { button, h } from "./dom.js";
import { applyFixes, isFixable } from "./fixing.js";
import { icon } from "./icons.js";
import { problemTitle } from "./problems.js";
import { isEditable } from "./states.js";
import { STRINGS } from "./strings.js";

const UPDATE_DELAY = 120; // ms between two updates while rows change

/** @typedef {import("./fixing.js").RowProblem} RowProblem */

export class ProblemGroups {
  /** @param {Ui} ui */
  constructor(ui) {
    this.ui = ui;
    this.key = ""; // what is shown
    this.element = h("ul", { class: "ik-problem-groups", "aria-label": STRINGS.problemGroups, hidden: true });
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.timer = undefined;
    ui.cleanup.add(
      ui.store.on("rows", () => (this.timer ??= setTimeout(() => this.update(), UPDATE_DELAY))),
      ui.queue.on("change:settings", () => this.update()),
      () => clearTimeout(this.timer),
    );
    this.update();
  }

  update() {
    clearTimeout(this.timer);
    this.timer = undefined;
    const groups = this.ui.store.countOf("invalid") ? [...this.groups().values()] : [];
    const key = JSON.stringify(groups.map((group) => group.map(([{ id }, problem]) => [id, problem])));
    if (key === this.key) return;
    this.key = key;
    const hadFocus = this.element.matches(":focus-within");
    this.element.hidden = groups.length === 0;
    this.element.replaceChildren(...groups.map((group) => this.line(group)));
    if (hadFocus) (this.element.querySelector("button") ?? this.ui.root).focus({ preventScroll: true });
  }

  groups() {
    /** @type {Map<string, RowProblem[]>} */
    const groups = new Map();
    for (const row of this.ui.store.rows.values()) {
      if (row.state !== "invalid") continue;
      for (const problem of row.problems ?? []) {
        const key = `${problem.column} ${problem.code}`;
        const group = groups.get(key);
        if (group) group.push([row, problem]);
        else groups.set(key, [[row, problem]]);
      }
    }
    return groups;
  }

  /** @param {RowProblem[]} group */
  line(group) {
    return h("li", { class: "ik-problem-group" }, [
      icon("warn"),
      h("span", { class: "ik-problem-what" }, [
        h("strong", {}, STRINGS.fileCount(group.length)),
        h("span", {}, problemTitle(this.ui.queue, group)),
      ]),
      h("span", { class: "ik-buttons" }, this.buttons(group)),
    ]);
  }

  /** @param {RowProblem[]} group */
  buttons(group) {
    const { ui } = this;
    const ids = group.map(([row]) => row.id);
    const fixable = group.filter(([, problem]) => isFixable(problem));
    const show = button({ text: STRINGS.showFiles, kind: "ik-quiet", press: () => ui.showRows(ids) });
    if (fixable.length) {
      const text = STRINGS.fixFiles(fixable.length);
      return [show, button({ text, kind: "ik-fix", press: () => fixAll(ui, fixable) })];
    }
    const [[, { column }]] = group;
    if (column !== "file" && group.some(([row]) => isEditable(row)))
      return [show, button({ text: STRINGS.edit, press: () => ui.edit(ids, column) })];
    const removable = group.filter(([row]) => ui.queue.isRemovable(row)).map(([row]) => row.id);
    if (!removable.length) return [show];
    return [show, button({ text: STRINGS.remove, press: () => ui.remove(removable) })];
  }
}

/** Apply the known fixes, and offer to undo them. @param {Ui} ui @param {RowProblem[]} problems */
export function fixAll(ui, problems) {
  const step = applyFixes(ui.queue, problems);
  ui.announceStep(STRINGS.changed(problems.length), step);
}
