// A copy of the kernel's rows, and what only the browser knows: the progress of uploads, and the selection.

import { EventEmitter, oncePerFrame } from "./dom.js";
import { groupOf, isBusy, isUploaded } from "./states.js";

/** Counts of a run: rows in it, finished, running, and failed. */
const newRun = () => ({ ids: new Set(), total: 0, finished: 0, running: 0, failed: 0 });

export class Store extends EventEmitter {
  constructor() {
    super();
    /** @type {Map<string, Row>} */
    this.rows = new Map();
    /** @type {string[]} */
    this.order = [];
    /** @type {Partial<Record<RowState, number>>} */
    this.counts = {};
    /** @type {Set<string>} */
    this.selection = new Set();
    /** @type {Set<string>} */
    this.cancelling = new Set(); // rows that the user cancelled, and the kernel still checks
    /** @type {Set<string>} */
    this.checking = new Set(); // rows whose upload was interrupted, and the kernel still checks
    /** @type {Map<string, {loaded: number, total: number}>} */
    this.progress = new Map(); // a total of 0 is unknown
    /** @type {Map<string, Row>} */
    this.cleared = new Map(); // uploaded rows that the user took out of the list
    this.run = newRun();
    /** @type {Set<string>} */
    this.changed = new Set();
    this.orderChanged = false;
    this.unsorted = false;
    this.emitLater = oncePerFrame(() => this.emitChanges());
  }

  /** @param {string} id */
  get(id) {
    return this.rows.get(id);
  }

  /** Return the rows of some ids, without those that no longer exist. @param {Iterable<string>} ids */
  all(ids) {
    const rows = [];
    for (const id of ids) {
      const row = this.rows.get(id);
      if (row) rows.push(row);
    }
    return rows;
  }

  get selected() {
    return this.all(this.selection);
  }

  /** Add rows of the kernel, or replace them. @param {Row[]} rows */
  update(rows) {
    for (const row of rows) {
      if (this.cleared.has(row.id)) {
        this.cleared.set(row.id, row);
        continue;
      }
      const before = this.rows.get(row.id);
      if (!before) this.append(row);
      this.count(before, row);
      this.rows.set(row.id, row);
      this.changed.add(row.id);
      if (isBusy(row)) continue;
      this.progress.delete(row.id);
      this.cancelling.delete(row.id);
      this.checking.delete(row.id);
    }
    this.emitLater();
  }

  /** @param {Row} row */
  append(row) {
    const last = this.rows.get(this.order[this.order.length - 1]);
    if (last && last.at > row.at) this.unsorted = true;
    this.order.push(row.id);
    this.orderChanged = true;
  }

  /** Count a row by its state, and in the run. @param {Row | undefined} before @param {Row | undefined} after */
  count(before, after) {
    if (before) this.counts[before.state] = (this.counts[before.state] ?? 0) - 1;
    if (after) this.counts[after.state] = (this.counts[after.state] ?? 0) + 1;
    const wasBusy = Boolean(before && isBusy(before));
    if (after && isBusy(after)) {
      if (!wasBusy) this.started(after.id);
    } else if (wasBusy) this.ended(after);
  }

  /**
   * Count a row that joins the run. The first one begins a new run; one that failed can join again.
   * @param {string} id
   */
  started(id) {
    if (this.run.running === 0) this.run = newRun();
    this.run.running += 1;
    if (this.run.ids.has(id)) {
      this.run.finished -= 1;
      this.run.failed -= 1;
    } else {
      this.run.ids.add(id);
      this.run.total += 1;
    }
  }

  /**
   * Continue to count a run that was in progress before the page was loaded.
   * @param {{ rows: number, ended: number, failed: number }} counts of the kernel
   */
  continueRun({ rows, ended, failed }) {
    if (this.run.total >= rows) return;
    this.run.total = rows;
    this.run.finished = rows - this.run.running;
    this.run.failed = failed + Math.max(0, this.run.finished - ended); // also those whose files the page has lost
    this.emitLater();
  }

  /** @param {Row | undefined} row */
  ended(row) {
    this.run.running -= 1;
    this.run.finished += 1;
    if (row && !isUploaded(row)) this.run.failed += 1;
    if (this.run.running === 0) this.emit("finished", this.run);
  }

  /** @param {string[]} ids */
  remove(ids) {
    const removed = new Set(ids);
    for (const row of this.all(removed)) {
      this.count(row, undefined);
      this.rows.delete(row.id);
      this.selection.delete(row.id);
      this.progress.delete(row.id);
      this.cancelling.delete(row.id);
      this.checking.delete(row.id);
      this.changed.add(row.id);
    }
    this.order = this.order.filter((id) => !removed.has(id));
    this.orderChanged = true;
    this.emit("selection", "kernel");
    this.emitLater();
  }

  /** Take rows out of the list; the kernel keeps them. @param {string[]} ids */
  clear(ids) {
    for (const row of this.all(ids)) this.cleared.set(row.id, row);
    this.remove(ids);
  }

  /** Put the rows back that were taken out of the list. */
  restore() {
    const rows = [...this.cleared.values()];
    this.cleared.clear();
    this.unsorted = true;
    this.update(rows);
  }

  emitChanges() {
    if (this.unsorted)
      this.order = this.all(this.order)
        .sort((a, b) => a.at - b.at)
        .map((row) => row.id);
    this.unsorted = false;
    const { changed, orderChanged } = this;
    this.changed = new Set();
    this.orderChanged = false;
    this.emit("rows", changed, orderChanged);
  }

  /** Mark rows, or all that are busy, as cancelled by the user. @param {string[] | null} ids */
  cancel(ids) {
    for (const row of this.all(ids ?? this.order)) {
      if (!isBusy(row)) continue;
      this.cancelling.add(row.id);
      this.changed.add(row.id);
    }
    this.emitLater();
  }

  /** Whether all rows of the run were cancelled or interrupted, and the kernel only checks what became of them. */
  get isStopping() {
    return this.run.running > 0 && this.cancelling.size + this.checking.size >= this.run.running;
  }

  /** @param {string} id @param {number} loaded @param {number} total */
  setProgress(id, loaded, total) {
    this.progress.set(id, { loaded, total });
    this.changed.add(id);
    this.emitLater();
  }

  /**
   * Select rows; the kernel need not be told what it selected itself.
   * @param {Iterable<string>} ids @param {"user" | "kernel"} by
   */
  select(ids, by = "user") {
    this.selection = new Set([...ids].filter((id) => this.rows.has(id)));
    this.emit("selection", by);
  }

  /** @param {Group} group */
  countOf(group) {
    let sum = 0;
    for (const [state, n] of Object.entries(this.counts))
      if (groupOf(/** @type {RowState} */ (state)) === group) sum += n;
    return sum;
  }
}
