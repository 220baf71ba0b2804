// The files of removed rows: a removal can be undone.

const MAX_REMOVED = 50000; // files that are kept

export class RemovedFiles {
  /** @param {Queue} queue */
  constructor(queue) {
    this.queue = queue;
    /** @type {Map<string, KeyedFile>} */
    this.files = new Map(); // by row
  }

  /** Keep the files of rows that are removed. @param {string[]} ids */
  setAside(ids) {
    for (const id of ids) {
      const file = this.queue.files.get(id);
      if (file) this.files.set(id, file);
      this.queue.files.delete(id);
      const [oldest] = this.files.keys();
      if (this.files.size > MAX_REMOVED) this.files.delete(oldest);
    }
  }

  /** Take the files of rows back that were removed and restored. @param {Row[]} rows */
  takeBack(rows) {
    for (const { id } of rows) {
      const file = this.files.get(id);
      if (file) this.queue.files.set(id, file);
      if (file) this.queue.handles.remember([file]);
      this.files.delete(id);
    }
  }
}
