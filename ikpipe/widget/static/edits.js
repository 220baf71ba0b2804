// Edits of rows, in as few messages as possible: each one costs the kernel as much as some hundred rows.

import { EventEmitter } from "./dom.js";
import { messageOf } from "./kernel.js";
import { STRINGS } from "./strings.js";

const ROWS_PER_MESSAGE = 5000; // with a value for each row

export class Edits extends EventEmitter {
  /** @param {Kernel} kernel @param {import("./undo.js").UndoHistory} history */
  constructor(kernel, history) {
    super();
    this.kernel = kernel;
    this.history = history;
  }

  /**
   * Set a column of some rows, and return whether the kernel took it; null resets it to the default.
   * @param {string[]} ids @param {string} column @param {Value} value
   */
  async set(ids, column, value) {
    return this.send({ ids, column, value });
  }

  /**
   * Set a column to a value for each row, as one step, and return whether the kernel took it.
   * @param {string} column @param {Map<string, Value>} values by row
   */
  async setEach(column, values) {
    const ids = [...values.keys()];
    const [first, ...others] = new Set([...values.values()].map((value) => JSON.stringify(value ?? null)));
    if (first === undefined) return true;
    if (!others.length) return this.set(ids, column, JSON.parse(first));
    /** @type {Promise<boolean>[]} */
    const answers = [];
    this.history.together(() => {
      for (let start = 0; start < ids.length; start += ROWS_PER_MESSAGE) {
        const some = ids.slice(start, start + ROWS_PER_MESSAGE);
        answers.push(this.send({ ids: some, column, values: some.map((id) => values.get(id) ?? null) }));
      }
    });
    return (await Promise.all(answers)).every(Boolean);
  }

  /** @param {object} edit */
  async send(edit) {
    const step = this.history.nextStep();
    try {
      await this.kernel.request({ type: "edit", ...edit, step }, { answered: false });
      return true;
    } catch (error) {
      this.emit("trouble", `${STRINGS.editFailed}: ${messageOf(error)}`);
      return false;
    }
  }
}
