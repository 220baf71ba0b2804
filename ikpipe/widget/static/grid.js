// The list of rows: only the lines in view are in the page, whatever the number of rows.

import { columnOf, editCell } from "./cell-editor.js";
import { activeElement, h, oncePerFrame, setAttribute } from "./dom.js";
import { galleryLayout } from "./gallery.js";
import { keyPressed } from "./keyboard.js";
import { openRowMenu } from "./row-actions.js";
import { idOf, itemAt } from "./row-parts.js";
import { STRINGS } from "./strings.js";
import { fillTableHeader, TABLE_COLUMNS, tableColumns, tableLayout } from "./table.js";

const EXTRA_LINES = 4; // kept above and below those in view

/** @type {ReturnType<typeof tableColumns>} */
const NO_COLUMNS = { names: [], template: "" }; // of the gallery

export class Grid {
  /** @param {Ui} ui */
  constructor(ui) {
    this.ui = ui;
    /** @type {Map<number, Line>} */
    this.lines = new Map(); // by number
    /** @type {Line[]} */
    this.spareLines = [];
    this.perLine = 1;
    this.lineHeight = 44; // pixels
    /** @type {string[]} */
    this.columns = []; // of the table, besides the name and the state
    this.stop = 0; // which of a row's focusable elements has the focus
    /** @type {HTMLElement | undefined} */
    this.tabbable = undefined;
    /** @type {HTMLElement | null} */
    this.header = null;
    this.body = h("div", { class: "ik-lines-all", role: "rowgroup" });
    const role = { role: "grid", "aria-label": STRINGS.grid, "aria-multiselectable": "true" };
    this.grid = h("div", { class: "ik-grid", ...role });
    this.element = h("div", { class: "ik-scroll" }, this.grid);
    this.drawLater = oncePerFrame(() => this.draw());
    this.listen();
    this.setLayout();
  }

  listen() {
    const { ui } = this;
    const { cleanup } = ui;
    cleanup.listen(this.element, "scroll", this.drawLater, { passive: true });
    cleanup.listen(this.grid, "click", (event) => this.clicked(event));
    cleanup.listen(this.grid, "dblclick", (event) => this.doubleClicked(event));
    cleanup.listen(this.grid, "focusin", (event) => this.focused(event));
    cleanup.listen(this.grid, "keydown", (event) => keyPressed(this, event));
    cleanup.listen(this.grid, "contextmenu", (event) => this.menuRequested(event));
    const observer = new ResizeObserver(() => this.resized());
    observer.observe(this.element);
    cleanup.add(
      ui.view.on("layout", () => this.setLayout()),
      ui.view.on("cards", () => this.resized()),
      ui.view.on("own", () => this.columnsChanged()),
      ui.view.on("fresh", () => this.showFresh()),
      ui.shared.on("change", () => this.columnsChanged()),
      ui.queue.on("change:settings", () => this.refillAll()),
      ui.view.on("visible", () => this.drawLater()),
      ui.view.on("rows", (changed) => this.refill(changed)),
      ui.store.on("selection", () => this.showSelection()),
      () => observer.disconnect(),
    );
  }

  get layout() {
    return this.ui.view.layout === "gallery" ? galleryLayout : tableLayout;
  }

  get lineCount() {
    return Math.ceil(this.ui.view.visible.length / this.perLine);
  }

  setLayout() {
    for (const line of this.lines.values()) line.element.remove();
    this.lines.clear();
    this.spareLines = [];
    this.header = this.layout.header(this.ui);
    const header = this.header ? [h("div", { class: "ik-header", role: "rowgroup" }, this.header)] : [];
    this.grid.replaceChildren(...header, this.body);
    this.grid.dataset.layout = this.layout.name;
    this.resized();
  }

  resized() {
    const width = this.element.clientWidth;
    if (!width) return; // hidden
    const { perLine, lineHeight } = this.layout.measure(width, this.ui.view);
    if (lineHeight !== this.lineHeight)
      for (const [number, { element }] of this.lines) element.style.top = `${number * lineHeight}px`;
    Object.assign(this, { perLine, lineHeight });
    this.grid.style.setProperty("--ik-per", String(perLine));
    this.grid.style.setProperty("--ik-line-height", `${lineHeight}px`);
    this.setColumns(width);
    this.drawLater();
  }

  /** @param {number} width */
  setColumns(width) {
    const { names, template } = this.header ? tableColumns(width, this.ui.shared.values, this.ui.view.own.places) : NO_COLUMNS;
    this.grid.style.setProperty("--ik-columns", template);
    if (this.grid.dataset.columns === names.join(" ")) return;
    this.columns = names;
    this.grid.dataset.columns = names.join(" ");
    this.refillAll();
  }

  /** Show other columns of the table, or other values in them; what is below a name depends on the columns. */
  columnsChanged() {
    this.resized();
    this.refillAll();
  }

  refillAll() {
    for (const item of this.items()) item.ik.stale = true;
    this.drawLater();
  }

  /** Add the lines in view to the page, and remove the others. */
  draw() {
    const { visible } = this.ui.view;
    const hadFocus = this.hasFocus;
    this.setSize(); // first, since the lines give the list its height
    if (visible.length && !this.element.clientHeight) return; // it is hidden, and is drawn when that ends
    const wanted = this.linesInView();
    for (const number of [...this.lines.keys()]) if (!wanted.has(number)) this.removeLine(number);
    for (const number of wanted)
      this.drawLine(number, visible.slice(number * this.perLine, (number + 1) * this.perLine));
    this.updateTabbable();
    if (hadFocus) this.keepFocus();
  }

  setSize() {
    const height = `${this.lineCount * this.lineHeight}px`;
    if (this.body.style.height !== height) this.body.style.height = height;
    setAttribute(this.grid, "aria-rowcount", this.lineCount + (this.header ? 1 : 0));
    setAttribute(this.grid, "aria-colcount", this.header ? TABLE_COLUMNS.length : this.perLine);
    if (this.header) fillTableHeader(this.ui, this.header);
  }

  /** Keep the focus at its row if rows have moved. */
  keepFocus() {
    const item = this.itemOf(this.ui.view.active);
    if (item && !item.contains(activeElement(this.grid))) this.tabbable?.focus({ preventScroll: true });
  }

  /** Return the numbers of the lines that must be in the page: those in view, and the one with the focus. */
  linesInView() {
    const { scrollTop, clientHeight } = this.element;
    const first = Math.max(0, Math.floor(scrollTop / this.lineHeight) - EXTRA_LINES);
    const last = Math.min(this.lineCount - 1, Math.ceil((scrollTop + clientHeight) / this.lineHeight) + EXTRA_LINES);
    const numbers = new Set();
    for (let number = first; number <= last; number += 1) numbers.add(number);
    const active = this.ui.view.positionOf(this.ui.view.active);
    if (active >= 0 && this.hasFocus) numbers.add(Math.floor(active / this.perLine));
    return numbers;
  }

  get hasFocus() {
    return this.grid.contains(activeElement(this.grid));
  }

  /** Remove a line from the page; it is used again for another. @param {number} number */
  removeLine(number) {
    const line = this.lines.get(number);
    if (!line) return;
    this.lines.delete(number);
    line.element.remove();
    line.ids = [];
    this.spareLines.push(line);
  }

  /** @param {number} number @param {string[]} ids */
  drawLine(number, ids) {
    const line = this.lines.get(number) || this.addLine(number);
    for (const item of line.items.splice(ids.length)) item.remove();
    ids.forEach((id, at) => this.drawItem(line, at, id));
    line.ids = ids;
  }

  /** @param {number} number */
  addLine(number) {
    const line = this.spareLines.pop() || this.createLine();
    line.element.style.top = `${number * this.lineHeight}px`;
    setAttribute(line.element, "aria-rowindex", number + 1 + (this.header ? 1 : 0));
    this.lines.set(number, line);
    // screen readers go by the order in the page, so it is that of the rows
    const later = [...this.lines.keys()].filter((other) => other > number);
    this.body.insertBefore(line.element, this.lines.get(Math.min(...later))?.element ?? null);
    return line;
  }

  /** @returns {Line} */
  createLine() {
    if (this.layout.name === "gallery") {
      return { element: h("div", { class: "ik-line", role: "row" }), items: [], ids: [] };
    }
    const item = this.layout.create();
    return { element: item, items: [item], ids: [] };
  }

  /** @param {Line} line @param {number} at @param {string} id */
  drawItem(line, at, id) {
    if (!line.items[at]) {
      line.items[at] = this.layout.create();
      setAttribute(line.items[at], "aria-colindex", at + 1);
      line.element.append(line.items[at]);
    }
    const item = line.items[at];
    const row = this.ui.store.get(id);
    if (!row || (line.ids[at] === id && item.ik.row === row && !item.ik.stale)) return;
    item.dataset.id = id;
    item.ik.row = row;
    item.ik.stale = false;
    this.layout.fill(this.ui, item, row);
    item.classList.toggle("ik-fresh", this.ui.view.fresh.has(id));
    this.showSelected(item);
  }

  /** @param {Set<string>} changed */
  refill(changed) {
    for (const item of this.items()) if (changed.has(idOf(item))) item.ik.stale = true;
    this.draw();
  }

  *items() {
    for (const line of this.lines.values()) yield* line.items;
  }

  /** @param {string | null} id */
  itemOf(id) {
    const number = Math.floor(this.ui.view.positionOf(id) / this.perLine);
    return this.lines.get(number)?.items.find((item) => idOf(item) === id);
  }

  showSelection() {
    for (const item of this.items()) this.showSelected(item);
    if (this.header) fillTableHeader(this.ui, this.header);
  }

  /** @param {Item} item */
  showSelected(item) {
    setAttribute(item, "aria-selected", this.ui.store.selection.has(idOf(item)));
  }

  // Mouse

  /** @param {On<MouseEvent>} event */
  clicked({ target, shiftKey, ctrlKey, metaKey }) {
    const item = itemAt(target);
    if (!item || target.closest("button, a, input")) return;
    const { view } = this.ui;
    const id = idOf(item);
    if (shiftKey) view.selectTo(id, ctrlKey || metaKey);
    else if (ctrlKey || metaKey || target.closest(".ik-mark")) view.toggle(id);
    else view.selectOnly(id);
    if (!item.contains(activeElement(item))) this.focus(id);
  }

  /** @param {On<MouseEvent>} event */
  doubleClicked({ target, altKey }) {
    const item = itemAt(target);
    const column = item && altKey && this.layout.name === "table" ? columnOf(target) : undefined;
    if (item && column) editCell(this, idOf(item), column);
    else if (item && !target.closest("button, a, input, .ik-mark")) this.ui.preview(idOf(item));
  }

  /** Open the menu of a row, at the pointer or, by the keyboard, at the row. @param {On<MouseEvent>} event */
  menuRequested(event) {
    const item = itemAt(event.target);
    if (!item || event.target.closest("input, a, [role=menu]") || event.shiftKey) return;
    event.preventDefault();
    event.stopPropagation();
    const id = idOf(item);
    if (!this.ui.store.selection.has(id)) this.ui.view.selectOnly(id);
    if (!item.contains(activeElement(item))) this.focus(id);
    const byKey = !event.clientX && !event.clientY;
    const anchor = this.tabbable ?? item;
    openRowMenu(this.ui, id, anchor, byKey ? undefined : { x: event.clientX, y: event.clientY });
  }

  // Files that were just added

  showFresh() {
    const { view } = this.ui;
    const positions = [...view.fresh].map((id) => view.positionOf(id)).filter((position) => position >= 0);
    this.setSize(); // before scrolling: it cannot go further than the list is high
    if (positions.length) this.scrollTo(Math.floor(Math.min(...positions) / this.perLine));
    for (const item of this.items()) item.classList.toggle("ik-fresh", view.fresh.has(idOf(item)));
  }

  // Focus: Tab reaches one element of the list, the arrow keys reach the others

  /** Return the elements of a row that the arrow keys reach. @param {HTMLElement} item @returns {HTMLElement[]} */
  stopsOf(item) {
    if (item.matches("[data-stop]")) return [item];
    /** @type {NodeListOf<HTMLElement>} */
    const stops = item.querySelectorAll("[data-stop]");
    return [...stops].filter((stop) => stop.offsetParent !== null);
  }

  /** @param {On<FocusEvent>} event */
  focused({ target }) {
    const item = itemAt(target);
    if (!item) return;
    this.ui.view.active = idOf(item);
    this.stop = Math.max(0, this.stopsOf(item).indexOf(target));
    this.updateTabbable();
  }

  /** Let Tab reach exactly one element, and the buttons in it if it is a card. */
  updateTabbable() {
    const item = this.itemOf(this.ui.view.active) ?? [...this.items()][0];
    const stop = item && this.stopOf(item);
    if (this.tabbable && this.tabbable !== stop) setTabIndex(this.tabbable, -1);
    this.tabbable = stop;
    if (stop) setTabIndex(stop, 0);
  }

  /**
   * Return the element of a row that gets the focus; the first one is found without measuring.
   * @param {Item} item @returns {HTMLElement | undefined}
   */
  stopOf(item) {
    if (this.stop === 0) return item.matches("[data-stop]") ? item : (item.querySelector("[data-stop]") ?? undefined);
    const stops = this.stopsOf(item);
    return stops[Math.min(this.stop, stops.length - 1)];
  }

  /** Move the focus to a row, and the row into view. @param {string | null} id */
  focus(id, stop = this.stop) {
    const position = this.ui.view.positionOf(id);
    if (position < 0) return;
    this.ui.view.active = id;
    this.scrollTo(Math.floor(position / this.perLine));
    this.draw();
    const item = this.itemOf(id);
    const stops = item ? this.stopsOf(item) : [];
    stops[Math.max(0, Math.min(stop, stops.length - 1))]?.focus({ preventScroll: true });
  }

  /** @param {number} number */
  scrollTo(number) {
    const top = number * this.lineHeight;
    const bottom = top + this.lineHeight + (this.header?.offsetHeight ?? 0);
    const { scrollTop, clientHeight } = this.element;
    if (top < scrollTop) this.element.scrollTop = top;
    else if (bottom > scrollTop + clientHeight) this.element.scrollTop = bottom - clientHeight;
  }

  get linesPerPage() {
    return Math.max(1, Math.floor(this.element.clientHeight / this.lineHeight) - 1);
  }
}

/** @param {HTMLElement} stop @param {number} index */
function setTabIndex(stop, index) {
  stop.tabIndex = index;
  for (const inner of stop.querySelectorAll("button")) inner.tabIndex = index;
}
