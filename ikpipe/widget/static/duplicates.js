// Rows whose file is there already. The kernel finds them; the page tells it which rows changed, and hashes its files.

import { EventEmitter } from "./dom.js";
import { hashOf } from "./hashing.js";
import { isEditable } from "./states.js";

const ASK_DELAY = 400; // ms without a change after which the kernel is asked
const ASKED_PER_MESSAGE = 5000;
const HASHES_PER_MESSAGE = 500;

/**
 * @typedef {object} Duplicate What a row is a duplicate of: another row, or a file of the library.
 * @property {"content" | "path" | "library"} kind
 * @property {string} [of] the other row
 * @property {string} [path]
 * @property {string} [url]
 * @property {number} [size]
 */

export class Duplicates extends EventEmitter {
  /** @param {Queue} queue */
  constructor(queue) {
    super();
    this.queue = queue;
    /** @type {Map<string, Duplicate>} */
    this.rows = new Map();
    this.failed = false; // whether the library could not be read
    this.dismissed = false; // whether the user knows that the library is not searched
    /** @type {Map<string, string>} */
    this.known = new Map(); // what the kernel was told of each row
    /** @type {Set<string>} */
    this.changed = new Set();
    /** @type {Map<string, number>} */
    this.sizes = new Map(); // by row
    /** @type {Map<number, Set<string>>} */
    this.bySize = new Map();
    /** @type {Set<string>} */
    this.toHash = new Set();
    /** @type {Set<string>} */
    this.hashed = new Set(); // rows, each with the size that it had
    this.hashing = false;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.timer = undefined;
    queue.kernel.on("duplicates", (message) => this.receive(message));
    queue.store.on("rows", (changed) => this.rowsChanged(changed));
    queue.on("welcome", () => this.askAll());
  }

  /** Ask for all rows again: another kernel, or one that was not told, answers. */
  askAll() {
    this.known.clear();
    this.failed = false;
    this.rowsChanged(new Set(this.queue.store.rows.keys()));
  }

  /** @param {Set<string>} ids */
  rowsChanged(ids) {
    for (const id of ids) this.changed.add(id);
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.ask(), ASK_DELAY);
  }

  ask() {
    const { changed, queue } = this;
    this.changed = new Set();
    const ids = [...changed].filter((id) => this.hasChanged(id));
    for (let start = 0; start < ids.length; start += ASKED_PER_MESSAGE)
      queue.kernel.send({ type: "find_duplicates", ids: ids.slice(start, start + ASKED_PER_MESSAGE) });
    this.hash();
  }

  /** Whether what matters of a row is not what the kernel was told; note its size. @param {string} id */
  hasChanged(id) {
    const row = this.queue.store.get(id);
    const words = row ? `${row.folder}/${row.name} ${row.size} ${isEditable(row)} ${JSON.stringify(row.naming)}` : "";
    if (this.known.get(id) === words) return false;
    if (row) this.known.set(id, words);
    else this.known.delete(id);
    this.setSize(id, row?.size ?? 0);
    return true;
  }

  /** Hash the picked files that have the size of another row. @param {string} id @param {number} size */
  setSize(id, size) {
    const before = this.sizes.get(id);
    if (before === size) return;
    if (before) this.bySize.get(before)?.delete(id);
    this.sizes.delete(id);
    if (!size) return;
    const group = this.bySize.get(size) ?? new Set();
    this.bySize.set(size, group.add(id));
    this.sizes.set(id, size);
    if (group.size === 2) for (const one of group) this.toHash.add(one);
    else if (group.size > 2) this.toHash.add(id);
  }

  /** Hash files one after another, and tell the kernel. */
  async hash() {
    if (this.hashing) return;
    this.hashing = true;
    /** @type {{ id: string, hash: string }[]} */
    let files = [];
    const flush = () => {
      if (files.length) this.queue.kernel.send({ type: "contents", files });
      files = [];
    };
    for (const id of this.toHash) {
      this.toHash.delete(id);
      const key = `${id} ${this.sizes.get(id)}`;
      const picked = this.hashed.has(key) ? undefined : this.queue.files.get(id);
      const hash = picked && (await this.hashRow(id, picked.file));
      if (!hash) continue;
      this.hashed.add(key);
      files.push({ id, hash });
      if (files.length === HASHES_PER_MESSAGE) flush();
    }
    flush();
    this.hashing = false;
  }

  /** Return the hash of what is uploaded of a row: its file, or its edited picture. @param {string} id @param {File} file */
  async hashRow(id, file) {
    const row = this.queue.store.get(id);
    const content = row ? await this.queue.pictures.fileOf(row, file).catch(() => null) : null;
    return content && hashOf(content);
  }

  /** @param {Message} message */
  receive({ rows, failed = false }) {
    for (const { id, ...duplicate } of rows) {
      if (duplicate.kind) this.rows.set(id, duplicate);
      else this.rows.delete(id);
    }
    this.failed = failed || (this.failed && !rows.length);
    this.emit("change");
  }

  /** Keep rows, although other rows have the same content or name. @param {string[]} ids */
  keep(ids, kept = true) {
    this.queue.kernel.send({ type: "keep", ids, kept });
  }

  close() {
    clearTimeout(this.timer);
  }
}
