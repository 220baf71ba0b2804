// Files that the kernel has rows for, and this page does not have: it was reloaded. They are recognized by name, size and
// date when the user chooses them again, so that their rows and edits stay.

import { isBusy } from "./states.js";

const OTHER_PAGES_WAIT = 3000; // ms in which another page can say that it has the files
const REPLACED = new Set(["ready", "failed", "cancelled", "queued"]); // states that are shown as "missing"

/**
 * @typedef {object} Rejoined
 * @property {number} found files of rows that lacked them
 * @property {PickedFile[]} others
 * @property {PickedFile[]} changed those of the others with the name of a row that lacks its file
 * @property {PickedFile[]} unknown those of the others that no row has the name and the size of
 */

export class MissingFiles {
  /** @param {Queue} queue */
  constructor(queue) {
    this.queue = queue;
    /** @type {Set<string>} */
    this.elsewhere = new Set(); // rows whose files another page has
    queue.kernel.on("have", ({ ids }) => this.haveElsewhere(ids));
  }

  /** Whether no page is known to have the file of a row, and the row needs it. @param {Row} row */
  isMissing(row) {
    const { id, source, file } = row;
    return source === "browser" && Boolean(file) && !this.queue.files.has(id) && !this.elsewhere.has(id);
  }

  /** Return a row as this page shows it: without its file, it cannot be sent. @param {Row} row @returns {Row} */
  shown(row) {
    if (row.state === "failed" && row.result?.error === "file_not_found") this.elsewhere.delete(row.id);
    const missing = this.isMissing(row);
    if (missing && (row.state === "sending" || row.state === "processing")) this.queue.store.checking.add(row.id);
    else this.queue.store.checking.delete(row.id);
    if (row.result?.final && row.result.error !== "file_not_found") return row;
    return missing && REPLACED.has(row.state) ? { ...row, state: "missing", kernelState: row.state } : row;
  }

  /**
   * Tell the kernel of files that were chosen again while it checked their uploads: their rows have failed since then.
   * @param {Row[]} rows
   */
  reclaim(rows) {
    const lost = rows.filter(({ state, result }) => state === "failed" && result?.reason === "file_lost");
    const ids = lost.filter(({ id }) => this.queue.files.has(id)).map(({ id }) => id);
    if (ids.length) this.queue.kernel.send({ type: "have", ids, again: true });
  }

  /** How many files are to be chosen again. */
  get count() {
    const { counts, checking } = this.queue.store;
    return counts.missing || checking.size ? this.rows.length : 0;
  }

  /** Rows whose files are to be chosen again. */
  get rows() {
    return [...this.queue.store.rows.values()].filter((row) => row.state === "missing" || isChecked(this, row));
  }

  /** Show rows again whose files are here now, or were found to be elsewhere. @param {Iterable<string>} ids */
  refresh(ids) {
    const rows = this.queue.store.all(ids);
    this.queue.store.update(rows.map((row) => this.shown({ ...row, state: row.kernelState ?? row.state })));
  }

  /** @param {string[]} ids */
  haveElsewhere(ids) {
    const others = ids.filter((id) => !this.queue.files.has(id));
    for (const id of others) this.elsewhere.add(id);
    this.refresh(others);
    this.queue.emit("notices");
  }

  /** Tell the other pages which files this one has, and, later, the kernel which files no page has. */
  announce() {
    const { kernel, files, store } = this.queue;
    const unsent = store.all(files.keys()).filter((row) => row.file);
    if (unsent.length) kernel.send({ type: "have", ids: unsent.map((row) => row.id) });
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      const lost = [...store.rows.values()].filter((row) => row.kernelState === "queued" && row.state === "missing");
      if (lost.length) kernel.send({ type: "lost", ids: lost.map((row) => row.id) });
    }, OTHER_PAGES_WAIT);
  }

  /**
   * Give the rows without a file those that are chosen again, and return what is left of them.
   * @param {PickedFile[]} files @returns {Rejoined}
   */
  rejoin(files) {
    const rows = this.rows;
    const wanted = groupBy(rows, (row) => nameAndSize(row.file?.name, row.file?.size ?? row.size));
    const names = new Set(rows.map((row) => row.file?.name));
    /** @type {string[]} */
    const found = [];
    /** @type {PickedFile[]} */
    const others = [];
    for (const picked of files) {
      const row = takeMatch(wanted.get(nameAndSize(picked.file.name, picked.file.size)) ?? [], picked);
      if (row) found.push(row.id);
      if (row) this.queue.files.set(row.id, { key: row.id, ...picked });
      if (row) this.queue.handles.remember([picked]);
      else others.push(picked);
    }
    if (found.length) this.queue.kernel.send({ type: "have", ids: found, again: true });
    this.refresh(found);
    this.queue.emit("notices");
    const changed = others.filter(({ file }) => names.has(file.name));
    const listed = new Set([...this.queue.store.rows.values()].map((row) => nameAndSize(row.file?.name, row.size)));
    const unknown = others.filter(({ file }) => !names.has(file.name) && !listed.has(nameAndSize(file.name, file.size)));
    return { found: found.length, others, changed, unknown };
  }

  close() {
    clearTimeout(this.timer);
  }
}

/**
 * Whether a row without its file is being checked, or needs attention before its file does.
 * @param {MissingFiles} missing @param {Row} row
 */
const isChecked = (missing, row) => (isBusy(row) || row.state === "invalid") && missing.isMissing(row);

/** @param {string | undefined} name @param {number | null} size */
const nameAndSize = (name, size) => `${size} ${name}`;

/**
 * Take the row of a file: one with its date and, if there are several, its folder.
 * @param {Row[]} rows @param {PickedFile} picked
 */
function takeMatch(rows, { file, path }) {
  const dated = rows.filter(({ file: known }) => !known?.modified || known.modified === file.lastModified);
  const row = dated.find((one) => one.file?.path === path) ?? dated[0];
  if (row) rows.splice(rows.indexOf(row), 1);
  return row;
}

/** @param {Row[]} rows @param {(row: Row) => string} keyOf */
function groupBy(rows, keyOf) {
  /** @type {Map<string, Row[]>} */
  const groups = new Map();
  for (const row of rows) {
    const group = groups.get(keyOf(row));
    if (group) group.push(row);
    else groups.set(keyOf(row), [row]);
  }
  return groups;
}
