// Undo and redo. The kernel keeps the history of edits and removals; the page names its steps, asks, and is told what
// was done.

import { EventEmitter } from "./dom.js";

/** @typedef {{ step: string, kind: "edit" | "remove", rows: number, columns: string[] }} Step */

export class UndoHistory extends EventEmitter {
  /** @param {Kernel} kernel */
  constructor(kernel) {
    super();
    this.kernel = kernel;
    /** @type {Step | null} */
    this.undo = null; // the step that is undone next
    /** @type {Step | null} */
    this.redo = null;
    this.group = ""; // the step that messages belong to now
    this.steps = 0;
    kernel.on("history", ({ undo, redo }) => {
      this.undo = undo;
      this.redo = redo;
      this.emit("change");
    });
  }

  /** Return the name of a new step, or of the one that is being made. */
  nextStep() {
    return this.group || `${this.kernel.line}-s${++this.steps}`;
  }

  /**
   * Make one step of all that a function changes; return the step's name.
   * @param {() => void} change
   */
  together(change) {
    const outer = this.group;
    const step = (this.group = this.nextStep());
    try {
      change();
    } finally {
      this.group = outer;
    }
    return step;
  }

  /**
   * Undo or redo the last step, and return what was done; null if there was nothing, or it is not the named one.
   * @param {"undo" | "redo"} direction @returns {Promise<(Step & { kept: number }) | null>}
   */
  async go(direction, step = "") {
    if (!step && !this[direction]) return null;
    return this.kernel.request({ type: direction, step }).catch(() => null);
  }
}
