// Rows of tables whose files were not added yet: Python keeps them, and gives them to the files.

export class WaitingRows {
  /** @param {Queue} queue */
  constructor(queue) {
    this.queue = queue;
    this.files = 0;
    /** @type {string[]} */
    this.names = []; // the first ones
    queue.kernel.on("waiting", ({ files, names }) => {
      Object.assign(this, { files, names });
      queue.emit("notices");
    });
  }

  forget() {
    this.queue.kernel.send({ type: "forget_waiting" });
  }
}
