// A column of the table that Python has, shown, sorted and filtered like the others.

import { h, oncePerFrame } from "./dom.js";
import { collator } from "./format.js";
import { STRINGS } from "./strings.js";

export class OwnColumn {
  /** @param {Queue} queue @param {() => void} changed */
  constructor(queue, changed) {
    this.queue = queue;
    this.name = ""; // none
    /** @type {Map<string, string>} */
    this.texts = new Map(); // by row
    this.changed = changed;
    const changedLater = oncePerFrame(changed);
    this.close = queue.kernel.on("values", ({ column, texts }) => {
      if (column !== this.name) return;
      for (const [id, text] of Object.entries(texts)) this.texts.set(id, text);
      changedLater();
    });
  }

  /** Show a column, or none. @param {string} name */
  async choose(name) {
    this.name = name;
    this.texts = new Map();
    this.changed();
    if (name) await this.queue.kernel.request({ type: "values", column: name }).catch(() => null);
  }

  /** @param {Row} row */
  text(row) {
    return this.texts.get(row.id) ?? "";
  }

  /** Compare rows by it: numbers as numbers, rows without a value last. @param {Row} a @param {Row} b */
  compare(a, b) {
    const [one, other] = [this.text(a), this.text(b)];
    if (!one || !other) return Number(!one) - Number(!other);
    const numbers = [Number(one), Number(other)];
    return numbers.some(Number.isNaN) ? collator.compare(one, other) : numbers[0] - numbers[1];
  }
}

/** Create the field that chooses the column; without columns, there is none. @param {Ui} ui */
export function columnChoice(ui) {
  const names = ui.queue.settings.columns ?? [];
  if (!names.length) return null;
  const onchange = () => ui.view.own.choose(field.value);
  const choices = [["", STRINGS.noColumn], ...names.map((name) => [name, name])];
  const options = choices.map(([value, text]) => h("option", { value }, text));
  const field = h("select", { class: "ik-own-choice", "aria-label": STRINGS.showColumn, onchange }, options);
  return field;
}
