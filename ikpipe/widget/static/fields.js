// Fields of the editing panel, by the type of their value. Each has an element, shows what the rows have, and calls a
// function with a new value; null resets it to the default.

import { button, h, setText } from "./dom.js";
import { extensionOf, newName } from "./format.js";
import { STRINGS } from "./strings.js";

const MAX_CHIPS = 100; // tags that the field shows
const TYPING_DELAY = 600; // ms after the last key until the text is checked

/** @typedef {(value: Value) => void} Commit */
/** @typedef {(add: string[], remove: string[]) => void} Change */
/**
 * @typedef {object} TextOptions
 * @property {"input" | "textarea"} [tag]
 * @property {string} [type]
 * @property {(text: string) => Value} [read]
 * @property {(value: Value) => string} [write]
 */

export class TextField {
  /**
   * @param {string} id @param {Commit} commit
   * @param {TextOptions & Attributes} options
   */
  constructor(id, commit, { tag = "input", type = "text", read = (text) => text, write = String, ...attributes } = {}) {
    const kind = tag === "input" ? { type } : { rows: 3 };
    const listeners = { oninput: () => this.typed(), onchange: () => this.commit() };
    this.input = h(tag, { id, ...kind, ...attributes, ...listeners });
    /** @type {HTMLElement} */
    this.element = this.input;
    this.onCommit = commit;
    this.read = read;
    this.write = write;
    this.dirty = false;
    this.text = ""; // the value that the rows have
  }

  typed() {
    this.dirty = true;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.isIncomplete || this.commit(), TYPING_DELAY);
  }

  /** Whether it contains text that is not a number yet; its value is empty then. */
  get isIncomplete() {
    return this.input.validity.badInput;
  }

  commit() {
    clearTimeout(this.timer);
    if (!this.dirty) return;
    this.dirty = false;
    if (this.isIncomplete) {
      this.input.value = ""; // otherwise the incomplete number would stay
      this.input.value = this.text;
      return;
    }
    const text = this.input.value;
    this.onCommit(text === "" ? null : this.read(text));
  }

  /** Show a value, unless the user is typing another. @param {Value} value @param {boolean} mixed */
  show(value, mixed) {
    this.input.placeholder = mixed ? STRINGS.mixed : "";
    this.text = mixed || value === undefined || value === null ? "" : this.write(value);
    if (!this.dirty && this.input.value !== this.text) this.replaceText();
  }

  /** Show the text; the cursor stays where it was, since the user may go on typing. */
  replaceText() {
    const { selectionStart, selectionEnd } = this.input; // null in a field that is not for text
    const typing = selectionStart !== null && this.input.matches(":focus");
    this.input.value = this.text;
    if (typing) this.input.setSelectionRange(selectionStart, selectionEnd);
  }

  /** Drop what was typed and is not committed yet, and return whether there was anything. */
  revert() {
    const { dirty } = this;
    clearTimeout(this.timer);
    this.dirty = false;
    this.input.value = this.text;
    return dirty;
  }
}

/** A file's name: its extension is shown next to the field, and kept unless another one is typed. */
export class NameField extends TextField {
  /** @param {string} id @param {Commit} commit */
  constructor(id, commit) {
    super(id, (value) => commit(value === null ? null : newName(this.name, String(value))), { spellcheck: "false" });
    this.name = "";
    this.suffix = h("span", { class: "ik-extension" });
    this.element = h("span", { class: "ik-name-field" }, this.input, this.suffix);
  }

  /** @param {Value} value @param {boolean} mixed */
  show(value, mixed) {
    this.name = mixed ? "" : String(value ?? "");
    const extension = extensionOf(this.name);
    setText(this.suffix, extension);
    super.show(this.name.slice(0, this.name.length - extension.length), mixed);
  }
}

export class ChoiceField {
  /**
   * Offer values with their texts; the first one is "not set".
   * @param {string} id @param {Commit} commit @param {[Value, string][]} choices
   */
  constructor(id, commit, choices) {
    this.choices = choices;
    const mixed = h("option", { value: "mixed", disabled: true, hidden: true }, STRINGS.mixed);
    const options = choices.map(([, text], at) => h("option", { value: String(at) }, text));
    const onchange = () => commit(choices[Number(this.element.value)][0]);
    this.element = h("select", { id, onchange }, mixed, options);
  }

  /** @param {Value} value @param {boolean} mixed */
  show(value, mixed) {
    const at = this.choices.findIndex(([choice]) => choice === (value ?? null));
    this.element.value = mixed ? "mixed" : String(Math.max(0, at));
  }
}

export class CheckboxField {
  /**
   * Offer values of which several can be chosen.
   * @param {string} id @param {Change} change @param {string[]} options
   */
  constructor(id, change, options) {
    /** @param {{ target: HTMLInputElement }} event */
    const onchange = ({ target }) => (target.checked ? change([target.value], []) : change([], [target.value]));
    this.boxes = options.map((value) => h("input", { type: "checkbox", value, onchange }));
    const labels = options.map((option, at) => h("label", {}, this.boxes[at], option));
    this.element = h("div", { id, class: "ik-many", role: "group" }, labels);
  }

  /** Show how many rows have each value: all, some or none. @param {Map<string, number>} counts @param {number} rows */
  showCounts(counts, rows) {
    for (const box of this.boxes) {
      const n = counts.get(box.value) || 0;
      box.checked = n === rows;
      box.indeterminate = n > 0 && n < rows;
    }
  }
}

export class TagsField {
  /** @param {string} id @param {Change} change @param {import("./tag-suggestions.js").TagSuggestions} [suggestions] */
  constructor(id, change, suggestions) {
    this.change = change;
    /** @type {string[]} */
    this.tags = [];
    /** @type {Set<string>} */
    this.required = new Set();
    this.key = ""; // what the chips show
    const listeners = {
      onkeydown: (/** @type {KeyboardEvent} */ event) => this.pressed(event),
      onblur: () => this.commit(),
    };
    const list = suggestions && { list: suggestions.element.id, onfocus: () => suggestions.show() };
    this.input = h("input", { id, type: "text", placeholder: STRINGS.addTag, autocomplete: "off", ...listeners, ...list });
    this.chips = h("span", { class: "ik-chip-list" });
    this.element = h("div", { class: "ik-chips", onclick: () => this.input.focus() }, this.chips, this.input);
    if (suggestions) this.element.append(suggestions.element);
  }

  /** @param {KeyboardEvent} event */
  pressed(event) {
    if (event.key === "Enter" || event.key === ",") {
      event.preventDefault();
      this.commit();
    } else if (event.key === "Backspace" && !this.input.value) {
      const last = this.tags[this.tags.length - 1];
      if (last !== undefined && !this.required.has(last)) this.change([], [last]);
    }
  }

  commit() {
    const tags = this.input.value.split(",").map((tag) => tag.trim());
    this.input.value = "";
    if (tags.some(Boolean)) this.change(tags.filter(Boolean), []);
  }

  /** Drop what was typed, and return whether there was anything. */
  revert() {
    const typed = this.input.value !== "";
    this.input.value = "";
    return typed;
  }

  /**
   * Show how many rows have each tag, and which tags cannot be removed.
   * @param {Map<string, number>} counts @param {number} rows @param {Set<string>} required
   */
  showCounts(counts, rows, required) {
    const key = JSON.stringify([[...counts], rows, [...required]]);
    if (key === this.key) return;
    this.key = key;
    this.required = required;
    const shown = mostFrequent(counts, MAX_CHIPS);
    const others = counts.size - shown.length;
    this.tags = shown.map(([tag]) => tag);
    this.chips.replaceChildren(...shown.map(([tag, n]) => this.chip(tag, n, rows)));
    if (others) this.chips.append(h("span", { class: "ik-quiet-text" }, STRINGS.otherTags(others)));
  }

  /** @param {string} tag @param {number} n @param {number} rows */
  chip(tag, n, rows) {
    const partial = n < rows;
    const required = this.required.has(tag);
    const title = partial ? STRINGS.partialTag(tag, n, rows) : tag;
    const press = () => {
      this.input.focus();
      this.change([], [tag]);
    };
    return h(
      "span",
      { class: `ik-tag ${partial ? "ik-some" : ""}`, title: required ? `${title}\n${STRINGS.requiredTag}` : title },
      h("span", {}, tag),
      required ? null : button({ icon: "close", label: STRINGS.removeTag(tag), kind: "ik-quiet ik-small", press }),
    );
  }
}

/**
 * Create the field for a custom metadata field of the account; `change` is for one with several values.
 * @param {string} id @param {Commit} commit @param {Change} change @param {MetadataField} field @returns {Field}
 */
export function metadataField(id, commit, change, field) {
  const { type, selectOptions = [], minValue: min, maxValue: max, maxLength: maxlength } = field;
  /** @param {...[Value, string]} choices */
  const choice = (...choices) => new ChoiceField(id, commit, [[null, STRINGS.notSet], ...choices]);
  if (type === "Boolean") return choice([true, STRINGS.yes], [false, STRINGS.no]);
  if (type === "SingleSelect") return choice(...selectOptions.map(withText));
  if (type === "MultiSelect") return new CheckboxField(id, change, selectOptions.map(String));
  if (type === "Textarea") return new TextField(id, commit, { tag: "textarea", maxlength });
  if (type === "Number") return new TextField(id, commit, { type: "number", step: "any", min, max, read: Number });
  if (type === "Date") return new TextField(id, commit, { type: "date", write: (value) => String(value).slice(0, 10) });
  return new TextField(id, commit, { maxlength });
}

/**
 * Return what is counted most often, in the order of the counts.
 * @param {Map<string, number>} counts @param {number} limit
 */
function mostFrequent(counts, limit) {
  if (counts.size <= limit) return [...counts];
  const frequent = [...counts].sort(([, a], [, b]) => b - a).slice(0, limit);
  const chosen = new Set(frequent.map(([text]) => text));
  return [...counts].filter(([text]) => chosen.has(text));
}

/** @param {string | number} option @returns {[Value, string]} */
const withText = (option) => [option, String(option)];
