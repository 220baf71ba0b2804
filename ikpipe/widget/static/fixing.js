// Known fixes of problems: applied to many rows in one step, which can be undone.

import { STRINGS } from "./strings.js";

/** @typedef {[Row, Problem]} RowProblem */

/** Whether a value is known that fixes a problem. @param {Problem} problem */
export const isFixable = ({ suggestion }) => suggestion !== undefined && suggestion !== null;

/**
 * Change rows to the suggested values of their problems, in one step.
 * @param {Queue} queue @param {RowProblem[]} problems @returns {string} the name of the step
 */
export function applyFixes(queue, problems) {
  /** @type {Map<string, Map<string, Value>>} */
  const columns = new Map();
  for (const [row, { column, suggestion }] of problems) {
    const values = columns.get(column) ?? new Map();
    columns.set(column, values.set(row.id, suggestion));
  }
  return queue.history.together(() => {
    for (const [column, values] of columns) queue.edits.setEach(column, values);
  });
}

/**
 * Say which names of files that were just added are not those that they have here: ImageKit replaces characters. Since
 * it does so in any case, to undo this is to take the files out again.
 * @param {Queue} queue @param {string[]} ids
 */
export function tellAdjusted(queue, ids) {
  /** @type {[string, string, string][]} */
  const changes = [];
  for (const row of queue.store.all(ids)) {
    const { file, path = "" } = queue.files.get(row.id) ?? {};
    const folder = row.folder?.split("/").slice(-path.split("/").length).join("/") ?? "";
    if (path && folder !== path) changes.push([row.id, path, folder]);
    else if (file && row.name && row.name !== file.name) changes.push([row.id, file.name, row.name]);
  }
  if (!changes.length) return;
  const adjusted = changes.map(([id]) => id);
  const press = () => queue.emit("show", adjusted);
  const undo = () => queue.emit("remove", adjusted);
  const text = adjustedText(changes);
  queue.emit("offer", { icon: "edit", text, action: STRINGS.showFiles, press, undo, ids: adjusted });
}

/** @param {string[][]} changes */
function adjustedText(changes) {
  const [[, from, to]] = changes;
  const isSame = changes.every((change) => change[1] === from && change[2] === to);
  return isSame ? STRINGS.adjusted(changes.length, from, to) : STRINGS.adjustedMany(changes.length);
}
