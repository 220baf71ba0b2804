// Changes of files in the library: the kernel makes them, and reports what failed.

import { messageOf } from "./kernel.js";
import { STRINGS } from "./strings.js";

export class LibraryFiles {
  /** @param {Queue} queue */
  constructor(queue) {
    this.queue = queue;
  }

  /**
   * Change a column of files in the library to a value for each row, and return how many were changed and by which step; an
   * empty value removes it. What failed is shown.
   * @param {string} column @param {Map<string, Value>} values by row
   */
  async change(column, values) {
    const step = this.queue.history.nextStep();
    const cells = [...values.values()].map((value) => value ?? null);
    return this.ask({ type: "change", ids: [...values.keys()], column, values: cells, step }, STRINGS.changeFailed);
  }

  /** Delete files from the library; the user has confirmed it. @param {string[]} ids */
  async delete(ids) {
    return this.ask({ type: "delete", ids }, STRINGS.deleteFailed);
  }

  /** @param {Message} message @param {(n: number) => string} trouble @returns {Promise<{ rows: number, step?: string }>} */
  async ask(message, trouble) {
    try {
      const answer = await this.queue.kernel.request(message);
      if (answer.failed) this.queue.emit("trouble", trouble(answer.failed), answer.message);
      return answer;
    } catch (error) {
      this.queue.emit("trouble", trouble(message.ids.length), messageOf(error));
      return { rows: 0 };
    }
  }
}
