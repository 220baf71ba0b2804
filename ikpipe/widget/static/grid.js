// The list itself: only the lines in view are in the page, whatever the number of rows.

import { Cleanup, h, oncePerFrame, setOrDrop } from "./dom.js";
import { galleryLayout } from "./gallery.js";
import { pressedInGrid } from "./keyboard.js";
import { STRINGS } from "./strings.js";
import { fillTableHeader, TABLE_COLUMNS, tableLayout } from "./table.js";

const OVER = 4; // lines that are kept above and below what is seen

export class Grid {
  constructor(ui) {
    this.ui = ui;
    this.lines = new Map(); // number → {element, items: [element…], ids: [id…]}
    this.per = 1;
    this.stop = 0; // which of a row's stops the keyboard is at
    this.body = h("div", { class: "ik-lines-all", role: "rowgroup" });
    this.grid = h("div", {
      class: "ik-grid",
      role: "grid",
      "aria-label": STRINGS.grid,
      "aria-multiselectable": "true",
    });
    this.element = h("div", { class: "ik-scroll" }, this.grid);
    this.drawLater = oncePerFrame(() => this.draw());
    this.ends = new Cleanup();
    this.listen();
    this.setLayout();
  }

  listen() {
    const { ui, ends } = this;
    ends.listen(this.element, "scroll", this.drawLater, { passive: true });
    ends.listen(this.grid, "click", (event) => this.clicked(event));
    ends.listen(this.grid, "dblclick", (event) => this.doubleClicked(event));
    ends.listen(this.grid, "focusin", (event) => this.focused(event));
    ends.listen(this.grid, "keydown", (event) => pressedInGrid(this, event));
    ends.add(ui.view.on("layout", () => this.setLayout()));
    ends.add(ui.view.on("visible", () => this.drawLater()));
    ends.add(ui.view.on("rows", (changed) => this.refill(changed)));
    ends.add(ui.store.on("selection", () => this.showSelection()));
    const observer = new ResizeObserver(() => this.resized());
    observer.observe(this.element);
    ends.add(() => observer.disconnect());
  }

  get layout() {
    return this.ui.view.layout === "gallery" ? galleryLayout : tableLayout;
  }

  get count() {
    return Math.ceil(this.ui.view.visible.length / this.per);
  }

  setLayout() {
    this.clear();
    this.header = this.layout.header(this.ui);
    const head = this.header ? [h("div", { class: "ik-header", role: "rowgroup" }, this.header)] : [];
    this.grid.replaceChildren(...head, this.body);
    this.grid.dataset.layout = this.layout.name;
    this.resized();
  }

  clear() {
    for (const line of this.lines.values()) line.element.remove();
    this.lines.clear();
    this.spare = [];
  }

  resized() {
    this.per = this.layout.per(this.element.clientWidth);
    this.body.style.setProperty("--ik-per", this.per);
    this.drawLater();
  }

  /** Bring the lines in view into the page, and take the others out. */
  draw() {
    const { view } = this.ui;
    const held = this.hasFocus;
    const wanted = this.wanted(); // measured before anything changes: measuring later would lay the page out twice
    this.setSize();
    for (const number of [...this.lines.keys()]) if (!wanted.has(number)) this.takeOut(number);
    for (const number of wanted) this.drawLine(number, view.visible.slice(number * this.per, (number + 1) * this.per));
    this.settleFocus();
    if (held) this.keepFocus();
  }

  setSize() {
    const height = `${this.count * this.layout.height}px`;
    if (this.body.style.height !== height) this.body.style.height = height;
    setOrDrop(this.grid, "aria-rowcount", this.count + (this.header ? 1 : 0));
    setOrDrop(this.grid, "aria-colcount", this.header ? TABLE_COLUMNS.length : this.per);
    if (this.header) fillTableHeader(this.ui, this.header);
  }

  /** Where rows have moved, let the keyboard stay at its row rather than at its place. */
  keepFocus() {
    const item = this.itemOf(this.ui.view.active);
    if (item && !item.contains(this.grid.getRootNode().activeElement)) this.tabbable?.focus({ preventScroll: true });
  }

  /** Give the numbers of the lines that belong into the page: those in view, and the one with the keyboard. */
  wanted() {
    const { scrollTop, clientHeight } = this.element;
    const first = Math.max(0, Math.floor(scrollTop / this.layout.height) - OVER);
    const last = Math.min(this.count - 1, Math.ceil((scrollTop + clientHeight) / this.layout.height) + OVER);
    const wanted = new Set();
    for (let number = first; number <= last; number += 1) wanted.add(number);
    const active = this.ui.view.placeOf(this.ui.view.active);
    if (active >= 0 && this.hasFocus) wanted.add(Math.floor(active / this.per));
    return wanted;
  }

  get hasFocus() {
    return this.grid.contains(this.grid.getRootNode().activeElement);
  }

  /** Take a line out of view; it is filled again for another. */
  takeOut(number) {
    const line = this.lines.get(number);
    this.lines.delete(number);
    line.element.remove();
    line.ids = [];
    this.spare.push(line);
  }

  drawLine(number, ids) {
    const line = this.lines.get(number) || this.makeLine(number);
    while (line.items.length > ids.length) line.items.pop().remove();
    ids.forEach((id, at) => this.drawItem(line, at, id));
    line.ids = ids;
  }

  makeLine(number) {
    const line = this.spare.pop() || this.newLine();
    line.element.style.top = `${number * this.layout.height}px`;
    setOrDrop(line.element, "aria-rowindex", number + 1 + (this.header ? 1 : 0));
    this.lines.set(number, line);
    this.insert(number, line.element);
    return line;
  }

  newLine() {
    const single = this.layout.name === "table";
    const element = single ? this.layout.create() : h("div", { class: "ik-line", role: "row" });
    return { element, items: single ? [element] : [], ids: [] };
  }

  /** Keep the page's order that of the rows: screen readers go by it. */
  insert(number, element) {
    const later = [...this.lines.keys()].filter((one) => one > number);
    const next = later.length ? this.lines.get(Math.min(...later)).element : null;
    this.body.insertBefore(element, next);
  }

  drawItem(line, at, id) {
    if (!line.items[at]) {
      line.items[at] = this.layout.create();
      setOrDrop(line.items[at], "aria-colindex", at + 1);
      line.element.append(line.items[at]);
    }
    const item = line.items[at];
    const row = this.ui.store.get(id);
    if (!row || (line.ids[at] === id && item.ik.row === row && !item.ik.stale)) return;
    item.dataset.id = id;
    item.ik.row = row;
    item.ik.stale = false;
    this.layout.fill(this.ui, item, row);
    this.showSelected(item);
  }

  refill(changed) {
    for (const item of this.items()) if (changed.has(item.dataset.id)) item.ik.stale = true;
    this.draw();
  }

  *items() {
    for (const line of this.lines.values()) yield* line.items;
  }

  itemOf(id) {
    const number = Math.floor(this.ui.view.placeOf(id) / this.per);
    return this.lines.get(number)?.items.find((item) => item.dataset.id === id);
  }

  showSelection() {
    for (const item of this.items()) this.showSelected(item);
    if (this.header) fillTableHeader(this.ui, this.header);
  }

  showSelected(item) {
    setOrDrop(item, "aria-selected", this.ui.store.selection.has(item.dataset.id));
  }

  // The mouse

  clicked(event) {
    const item = event.target.closest("[data-id]");
    if (!item || event.target.closest("button, a, input")) return;
    const { view } = this.ui;
    const { id } = item.dataset;
    if (event.shiftKey) view.selectTo(id, event.ctrlKey || event.metaKey);
    else if (event.ctrlKey || event.metaKey || event.target.closest(".ik-mark")) view.toggle(id);
    else view.selectOnly(id);
    if (!item.contains(item.getRootNode().activeElement)) this.focus(id);
  }

  doubleClicked(event) {
    const item = event.target.closest("[data-id]");
    if (item && !event.target.closest("button, a, input, .ik-mark")) this.ui.preview(item.dataset.id);
  }

  // The focus: one element of the list can be tabbed to, the arrows move it

  stopsOf(item) {
    if (item.matches("[data-stop]")) return [item];
    return [...item.querySelectorAll("[data-stop]")].filter((stop) => stop.offsetParent !== null);
  }

  /** Give the stop that the keyboard is at; the first one is found without measuring. */
  stopOf(item) {
    if (this.stop === 0) return item.matches("[data-stop]") ? item : item.querySelector("[data-stop]");
    const stops = this.stopsOf(item);
    return stops[Math.min(this.stop, stops.length - 1)];
  }

  focused(event) {
    const item = event.target.closest("[data-id]");
    if (!item) return;
    this.ui.view.active = item.dataset.id;
    this.stop = Math.max(0, this.stopsOf(item).indexOf(event.target));
    this.settleFocus();
  }

  /** Keep exactly one stop in the order of Tab. */
  settleFocus() {
    const item = this.itemOf(this.ui.view.active) || this.items().next().value;
    const stop = item && this.stopOf(item);
    if (this.tabbable && this.tabbable !== stop) this.tabbable.tabIndex = -1;
    this.tabbable = stop;
    if (stop) stop.tabIndex = 0;
  }

  /** Move the keyboard to a row, and the row into view. */
  focus(id, stop = this.stop) {
    const place = this.ui.view.placeOf(id);
    if (place < 0) return;
    this.ui.view.active = id;
    this.reveal(Math.floor(place / this.per));
    this.draw();
    const stops = this.stopsOf(this.itemOf(id));
    stops[Math.max(0, Math.min(stop, stops.length - 1))]?.focus({ preventScroll: true });
  }

  reveal(number) {
    const head = this.header ? this.header.offsetHeight : 0;
    const top = number * this.layout.height;
    const bottom = top + this.layout.height + head;
    const { scrollTop, clientHeight } = this.element;
    if (top < scrollTop) this.element.scrollTop = top;
    else if (bottom > scrollTop + clientHeight) this.element.scrollTop = bottom - clientHeight;
  }

  get page() {
    return Math.max(1, Math.floor(this.element.clientHeight / this.layout.height) - 1);
  }

  close() {
    this.ends.all();
  }
}
