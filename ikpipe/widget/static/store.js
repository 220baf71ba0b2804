// A copy of the kernel's rows. The kernel is the truth; what is here only is what the browser alone knows:
// how far a file is on its way, and what is selected.

import { EventEmitter, oncePerFrame } from "./dom.js";
import { groupOf, isBusy, isUp } from "./states.js";

const newRun = () => ({ ids: new Set(), of: 0, done: 0, going: 0, failed: 0 });

export class Store extends EventEmitter {
  constructor() {
    super();
    this.rows = new Map();
    this.order = [];
    this.counts = {};
    this.selection = new Set();
    this.cancelling = new Set(); // rows that the person gave up, of which the kernel still finds out
    this.progress = new Map(); // id → {loaded, total}; total 0 is "no telling"
    this.run = newRun();
    this.changed = new Set();
    this.orderChanged = false;
    this.tellLater = oncePerFrame(() => this.tell());
  }

  get(id) {
    return this.rows.get(id);
  }

  /** Give the rows of some ids; of ids that are gone, none. */
  all(ids) {
    return [...ids].map((id) => this.rows.get(id)).filter(Boolean);
  }

  get selected() {
    return this.all(this.selection);
  }

  /** Take rows from the kernel: new ones, and new versions of old ones. */
  patch(rows) {
    for (const row of rows) this.patchOne(row);
    this.tellLater();
  }

  patchOne(row) {
    const before = this.rows.get(row.id);
    if (!before) this.place(row);
    this.count(before, row);
    this.rows.set(row.id, row);
    this.changed.add(row.id);
    if (isBusy(row)) return;
    this.progress.delete(row.id);
    this.cancelling.delete(row.id);
  }

  place(row) {
    const last = this.rows.get(this.order[this.order.length - 1]);
    if (last && last.at > row.at) this.unsorted = true;
    this.order.push(row.id);
    this.orderChanged = true;
  }

  count(before, after) {
    if (before) this.counts[before.state] -= 1;
    if (after) this.counts[after.state] = (this.counts[after.state] || 0) + 1;
    const was = Boolean(before && isBusy(before));
    const is = Boolean(after && isBusy(after));
    if (is && !was) this.began(after.id);
    if (was && !is) this.ended(after);
  }

  /** A row joined the run; the first one begins a new run, and one that is not up may come again. */
  began(id) {
    if (this.run.going === 0) this.run = newRun();
    this.run.going += 1;
    if (this.run.ids.has(id)) {
      this.run.done -= 1;
      this.run.failed -= 1;
    } else {
      this.run.ids.add(id);
      this.run.of += 1;
    }
  }

  ended(row) {
    this.run.going -= 1;
    this.run.done += 1;
    if (row && !isUp(row)) this.run.failed += 1;
    if (this.run.going === 0) this.emit("finished", this.run);
  }

  drop(ids) {
    const gone = new Set(ids);
    for (const id of gone) this.dropOne(id);
    this.order = this.order.filter((id) => !gone.has(id));
    this.orderChanged = true;
    this.emit("selection", "kernel");
    this.tellLater();
  }

  dropOne(id) {
    const row = this.rows.get(id);
    if (!row) return;
    this.count(row, null);
    this.rows.delete(id);
    this.selection.delete(id);
    this.progress.delete(id);
    this.changed.add(id);
  }

  clear() {
    this.drop([...this.order]);
  }

  tell() {
    if (this.unsorted) this.order.sort((a, b) => this.rows.get(a).at - this.rows.get(b).at);
    this.unsorted = false;
    const { changed, orderChanged } = this;
    this.changed = new Set();
    this.orderChanged = false;
    this.emit("rows", changed, orderChanged);
  }

  /** Note that rows, or all that are under way, were given up: it can take a while to know what became of them. */
  cancel(ids) {
    for (const row of this.all(ids ?? this.order)) {
      if (!isBusy(row)) continue;
      this.cancelling.add(row.id);
      this.changed.add(row.id);
    }
    this.tellLater();
  }

  setProgress(id, loaded, total) {
    this.progress.set(id, { loaded, total });
    this.changed.add(id);
    this.tellLater();
  }

  /** Choose rows; `by` says who did, since the kernel need not hear what it said itself. */
  select(ids, by = "user") {
    this.selection = new Set([...ids].filter((id) => this.rows.has(id)));
    this.emit("selection", by);
  }

  countOf(group) {
    return Object.entries(this.counts).reduce((sum, [state, n]) => sum + (groupOf(state) === group ? n : 0), 0);
  }
}
