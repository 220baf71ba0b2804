// Columns that can be shown in addition: descriptions, and those of the table that Python has. They are sorted and
// filtered like the others.

import { button, h, oncePerFrame, popover } from "./dom.js";
import { collator } from "./format.js";
import { STRINGS } from "./strings.js";

/** The places of the table's own columns in the list; no more of them can be shown at a time. */
export const OWN_PLACES = ["own1", "own2", "own3"];

export class OwnColumns {
  /** @param {Queue} queue @param {() => void} changed */
  constructor(queue, changed) {
    this.queue = queue;
    this.described = false; // whether descriptions are shown
    /** @type {string[]} */
    this.names = []; // of the table's columns that are shown
    /** @type {Map<string, Map<string, string>>} */
    this.texts = new Map(); // by column and row
    this.changed = changed;
    const changedLater = oncePerFrame(changed);
    this.close = queue.kernel.on("values", ({ column, texts }) => {
      const known = this.texts.get(column);
      if (!known) return;
      for (const [id, text] of Object.entries(texts)) known.set(id, text);
      changedLater();
    });
  }

  /** The places in the list that are in use. */
  get places() {
    return [...OWN_PLACES.slice(0, this.names.length), ...(this.described ? ["description"] : [])];
  }

  /** Show descriptions, or hide them. */
  toggleDescriptions() {
    this.described = !this.described;
    this.changed();
  }

  /** Show a column of the table, or hide it. @param {string} name */
  async toggle(name) {
    if (this.texts.delete(name)) this.names = this.names.filter((other) => other !== name);
    else {
      this.names = [...this.names, name];
      this.texts.set(name, new Map());
    }
    this.changed();
    if (this.texts.has(name)) await this.queue.kernel.request({ type: "values", column: name }).catch(() => null);
  }

  /** Return the name of the column at a place, `""` if there is none. @param {string} place */
  nameAt(place) {
    return this.names[OWN_PLACES.indexOf(place)] ?? "";
  }

  /** Return what the column at a place has for a row. @param {string} place @param {Row} row */
  text(place, row) {
    return this.texts.get(this.nameAt(place))?.get(row.id) ?? "";
  }

  /** Whether a column that is shown has a text for a row. @param {Row} row @param {string} text in lower case */
  includes(row, text) {
    return [...this.texts.values()].some((texts) => texts.get(row.id)?.toLowerCase().includes(text));
  }

  /**
   * Return the order of a column: numbers as numbers, rows without a value last.
   * @param {string} place @returns {(a: Row, b: Row) => number}
   */
  order(place) {
    return (a, b) => {
      const [one, other] = [this.text(place, a), this.text(place, b)];
      if (!one || !other) return Number(!one) - Number(!other);
      const numbers = [Number(one), Number(other)];
      return numbers.some(Number.isNaN) ? collator.compare(one, other) : numbers[0] - numbers[1];
    };
  }
}

/** Create the button that opens the choice of columns. @param {Ui} ui */
export function columnsButton(ui) {
  const kind = "ik-quiet ik-columns-button";
  const element = button({ text: STRINGS.showColumns, kind, press: () => openColumns(ui, element) });
  return element;
}

/** @param {Ui} ui @param {HTMLElement} anchor */
function openColumns({ root, queue, view: { own } }, anchor) {
  const columns = (queue.settings.columns ?? []).map((name) => ({
    name,
    input: checkbox(own.names.includes(name), () => void own.toggle(name)),
  }));
  const limit = () => {
    const isFull = own.names.length === OWN_PLACES.length;
    for (const { input } of columns) input.disabled = isFull && !input.checked;
    hint.classList.toggle("ik-hidden", !isFull);
  };
  const hint = h("p", { class: "ik-quiet-text", role: "status" }, STRINGS.columnsFull(OWN_PLACES.length));
  const lines = [
    line(STRINGS.fields.description, checkbox(own.described, () => own.toggleDescriptions())),
    ...columns.map(({ name, input }) => line(name, input)),
  ];
  const panel = popover(root, anchor, [...lines, hint], { role: "group", "aria-label": STRINGS.showColumns });
  panel.classList.add("ik-columns-choice");
  panel.addEventListener("change", limit);
  limit();
  panel.querySelector("input")?.focus();
}

/** @param {boolean} checked @param {() => void} onchange */
const checkbox = (checked, onchange) => h("input", { type: "checkbox", checked, onchange });

/** @param {string} text @param {HTMLElement} input */
const line = (text, input) => h("label", { class: "ik-check" }, input, h("span", { class: "ik-text" }, text));
