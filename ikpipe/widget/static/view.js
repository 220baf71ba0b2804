// What one view shows of the rows: which, in what order, and in which layout.

import { EventEmitter } from "./dom.js";
import { collator, kindText } from "./format.js";
import { OWN_PLACES, OwnColumns } from "./own-columns.js";
import { groupOf } from "./states.js";
import { STRINGS } from "./strings.js";

const REFRESH_DELAY = 250; // ms between two sorts while rows change

const FRESH_TIME = 2000; // ms in which added rows are marked
export const CARD_SIZE = { least: 112, usual: 160, most: 320 }; // pixels

const STATE_ORDER = Object.keys(STRINGS.states);

/** @typedef {(a: Row, b: Row) => number} Comparison */

/** @type {(read: (row: Row) => string | undefined) => Comparison} */
const byText = (read) => (a, b) => collator.compare(read(a) || "", read(b) || "");

/** @type {Record<string, Comparison>} */
export const SORTS = {
  at: (a, b) => a.at - b.at,
  name: byText((row) => row.name),
  folder: byText((row) => row.folder),
  tags: byText((row) => row.tags?.join(",")),
  description: byText((row) => row.description ?? undefined),
  kind: byText(kindText),
  size: (a, b) => (a.size ?? -1) - (b.size ?? -1),
  state: (a, b) => STATE_ORDER.indexOf(a.state) - STATE_ORDER.indexOf(b.state),
};

export class View extends EventEmitter {
  /** @param {Queue} queue */
  constructor(queue) {
    super();
    this.store = queue.store;
    this.text = "";
    /** @type {Group | "all"} */
    this.group = "all";
    this.own = new OwnColumns(queue, () => this.ownChanged());
    this.undescribed = false; // whether only rows without a description are shown
    this.sort = "at";
    this.sortedName = ""; // of the table's own column, if it sorts by one
    this.descending = false;
    /** @type {"table" | "gallery"} */
    this.layout = "table";
    this.cardSize = CARD_SIZE.usual; // pixels
    this.cropped = true; // whether pictures fill their cards
    /** @type {Set<string>} */
    this.fresh = new Set(); // rows that were just added, for a moment
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.freshTimer = undefined;
    /** @type {string[]} */
    this.visible = [];
    /** @type {Map<string, number> | null} */
    this.positions = null;
    /** @type {string | null} */
    this.active = null; // the row with the keyboard focus
    /** @type {string | null} */
    this.anchor = null; // the row at which the selection of a range starts
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.refreshTimer = undefined;
    const removeListener = this.store.on("rows", (changed, orderChanged) => this.rowsChanged(changed, orderChanged));
    this.close = () => {
      removeListener();
      clearTimeout(this.freshTimer);
      this.own.close();
    };
    this.refresh();
  }

  /** Whether it shows all rows in the order in which they were added. */
  get showsAll() {
    return !this.text && !this.undescribed && this.group === "all" && this.sort === "at" && !this.descending;
  }

  /** @param {Set<string>} changed @param {boolean} orderChanged */
  rowsChanged(changed, orderChanged) {
    if (orderChanged) this.refresh();
    else if (!this.showsAll) this.refreshTimer ??= setTimeout(() => this.refresh(), REFRESH_DELAY);
    this.emit("rows", changed);
  }

  refresh() {
    clearTimeout(this.refreshTimer);
    this.refreshTimer = undefined;
    const position = this.positionOf(this.active);
    const rows = this.store.all(this.store.order).filter((row) => this.matches(row));
    if (this.sort !== "at") rows.sort(SORTS[this.sort] ?? this.own.order(this.sort));
    if (this.descending) rows.reverse();
    this.visible = rows.map((row) => row.id);
    this.positions = null;
    // if the active row is gone, the one that took its place becomes active
    if (this.positionOf(this.active) < 0)
      this.active = this.visible[Math.min(Math.max(0, position), rows.length - 1)] ?? null;
    this.emit("visible");
  }

  /** @param {Row} row */
  matches(row) {
    if (this.group !== "all" && groupOf(row.state) !== this.group) return false;
    if (this.undescribed && row.description) return false;
    return !this.text || searchText(row).includes(this.text) || this.own.includes(row, this.text);
  }

  /** Return a row's position among the visible ones, or -1. @param {string | null} id */
  positionOf(id) {
    this.positions ??= new Map(this.visible.map((visible, at) => [visible, at]));
    return (id === null ? undefined : this.positions.get(id)) ?? -1;
  }

  /** @param {string} text */
  search(text) {
    this.text = text.trim().toLowerCase();
    this.refresh();
  }

  /** @param {Group | "all"} group */
  showGroup(group) {
    this.group = group;
    this.refresh();
  }

  /** Draw the rows again, sorted by the same column wherever it is now, and not by one that is no longer shown. */
  ownChanged() {
    if (this.sortedName) this.sort = OWN_PLACES[this.own.names.indexOf(this.sortedName)] ?? "at";
    this.refresh();
    this.emit("own");
  }

  toggleUndescribed() {
    this.undescribed = !this.undescribed;
    this.refresh();
  }

  /** Sort by a column; if the order is not given, the same column again reverses it. @param {string} column */
  sortBy(column, descending = column === this.sort && !this.descending) {
    this.sort = column;
    this.sortedName = this.own.nameAt(column);
    this.descending = descending;
    this.refresh();
  }

  /** @param {"table" | "gallery"} layout */
  setLayout(layout) {
    this.layout = layout;
    this.emit("layout");
  }

  /** @param {{ cardSize?: number, cropped?: boolean }} options */
  setCards(options) {
    Object.assign(this, options);
    this.emit("cards");
  }

  /** Mark rows that were just added for a moment, and return how many of them are visible. @param {string[]} ids */
  markFresh(ids) {
    clearTimeout(this.freshTimer);
    for (const id of ids) this.fresh.add(id);
    this.freshTimer = setTimeout(() => {
      this.fresh.clear();
      this.emit("fresh");
    }, FRESH_TIME);
    this.refresh();
    this.emit("fresh");
    return ids.filter((id) => this.positionOf(id) >= 0).length;
  }

  clearFilters() {
    this.text = "";
    this.group = "all";
    this.undescribed = false;
    this.refresh();
  }

  // Selecting

  /** @param {string} id */
  selectOnly(id) {
    this.anchor = id;
    this.store.select([id]);
  }

  /** @param {string} id */
  toggle(id) {
    const selection = new Set(this.store.selection);
    if (!selection.delete(id)) selection.add(id);
    this.anchor = id;
    this.store.select(selection);
  }

  /** Select the rows from the anchor to a row, in their visible order. @param {string} id @param {boolean} keep */
  selectTo(id, keep = false) {
    if (this.positionOf(this.anchor) < 0) this.anchor = this.active;
    const from = this.positionOf(this.anchor);
    const to = this.positionOf(id);
    const range = this.visible.slice(Math.min(from, to), Math.max(from, to) + 1);
    this.store.select(keep ? [...this.store.selection, ...range] : range);
  }

  selectAll() {
    this.store.select(this.visible);
  }

  clearSelection() {
    this.store.select([]);
  }

  /** Return how many of the visible rows are selected. @returns {"all" | "some" | "none"} */
  get selectedShare() {
    const { selection } = this.store;
    if (!selection.size) return "none";
    return this.visible.length && this.visible.every((id) => selection.has(id)) ? "all" : "some";
  }
}

/** @param {Row} row */
function searchText(row) {
  return [row.name, row.folder, row.description, kindText(row), ...(row.tags || [])].join("\n").toLowerCase();
}
