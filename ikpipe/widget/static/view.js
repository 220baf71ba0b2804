// What one view shows of the rows: which, in what order, and as what.

import { EventEmitter } from "./dom.js";
import { kindText } from "./format.js";
import { groupOf } from "./states.js";
import { STRINGS } from "./strings.js";

const REFRESH = 250; // ms between two sortings while rows change

const collator = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" });
const byText = (read) => (a, b) => collator.compare(read(a), read(b));
const STATE_ORDER = Object.keys(STRINGS.states);

export const SORTS = {
  at: (a, b) => a.at - b.at,
  name: byText((row) => row.name || ""),
  folder: byText((row) => row.folder || ""),
  tags: byText((row) => (row.tags || []).join(",")),
  kind: byText((row) => kindText(row)),
  size: (a, b) => (a.size ?? -1) - (b.size ?? -1),
  state: (a, b) => STATE_ORDER.indexOf(a.state) - STATE_ORDER.indexOf(b.state),
};

export class View extends EventEmitter {
  constructor(queue) {
    super();
    this.queue = queue;
    this.store = queue.store;
    this.text = "";
    this.group = "all";
    this.sort = "at";
    this.down = false;
    this.layout = "table";
    this.visible = [];
    this.active = null; // the row that the keyboard is at
    this.anchor = null; // the row from which a range is selected
    this.end = this.store.on("rows", (changed, orderChanged) => this.rowsChanged(changed, orderChanged));
    this.refresh();
  }

  get plain() {
    return !this.text && this.group === "all" && this.sort === "at" && !this.down;
  }

  rowsChanged(changed, orderChanged) {
    if (orderChanged) this.refresh();
    else if (!this.plain) this.refreshLater();
    this.emit("rows", changed);
  }

  refreshLater() {
    this.timer ??= setTimeout(() => this.refresh(), REFRESH);
  }

  refresh() {
    clearTimeout(this.timer);
    this.timer = null;
    const place = this.placeOf(this.active);
    const rows = this.store.all(this.store.order).filter((row) => this.shows(row));
    if (this.sort !== "at") rows.sort(SORTS[this.sort]);
    if (this.down) rows.reverse();
    this.visible = rows.map((row) => row.id);
    this.places = null;
    // who was at a row that is gone is at the one that came into its place
    if (this.placeOf(this.active) < 0)
      this.active = this.visible[Math.min(Math.max(0, place), rows.length - 1)] ?? null;
    this.emit("visible");
  }

  shows(row) {
    if (this.group !== "all" && groupOf(row.state) !== this.group) return false;
    return !this.text || searchText(row).includes(this.text);
  }

  /** Give a row's place among the visible ones, or -1. */
  placeOf(id) {
    this.places ??= new Map(this.visible.map((one, at) => [one, at]));
    return this.places.get(id) ?? -1;
  }

  find(text) {
    this.text = text.trim().toLowerCase();
    this.refresh();
  }

  showGroup(group) {
    this.group = group;
    this.refresh();
  }

  sortBy(key, down = key === this.sort ? !this.down : false) {
    this.sort = key;
    this.down = down;
    this.refresh();
  }

  setLayout(layout) {
    this.layout = layout;
    this.emit("layout");
  }

  showAll() {
    this.text = "";
    this.group = "all";
    this.refresh();
  }

  // Selecting

  selectOnly(id) {
    this.anchor = id;
    this.store.select([id]);
  }

  toggle(id) {
    const selection = new Set(this.store.selection);
    if (!selection.delete(id)) selection.add(id);
    this.anchor = id;
    this.store.select(selection);
  }

  /** Select all from the anchor to a row, as they stand here. */
  selectTo(id, keep = false) {
    if (this.placeOf(this.anchor) < 0) this.anchor = this.active;
    const from = this.placeOf(this.anchor);
    const to = this.placeOf(id);
    const range = this.visible.slice(Math.min(from, to), Math.max(from, to) + 1);
    this.store.select(keep ? new Set([...this.store.selection, ...range]) : range);
  }

  selectAll() {
    this.store.select(this.visible);
  }

  selectNone() {
    this.store.select([]);
  }

  /** Tell how much of what is shown is selected: "all", "some" or "none". */
  get share() {
    const { selection } = this.store;
    if (!selection.size) return "none";
    return this.visible.length && this.visible.every((id) => selection.has(id)) ? "all" : "some";
  }
}

function searchText(row) {
  return [row.name, row.folder, kindText(row), ...(row.tags || [])].join("\n").toLowerCase();
}
