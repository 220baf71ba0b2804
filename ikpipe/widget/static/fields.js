// Fields of the editing panel, by the type of what they hold. Each has an element, `show(value, several)`,
// and calls `commit(value)`; null is "back to the default".

import { button, h } from "./dom.js";
import { STRINGS } from "./strings.js";

const TYPE_LATER = 600; // ms after the last key, when what was typed so far is checked

export class TextField {
  constructor(id, commit, { tag = "input", type = "text", read = (text) => text, write = String, ...attributes } = {}) {
    const kind = tag === "input" ? { type } : { rows: 3 };
    this.element = h(tag, { id, ...kind, ...attributes, oninput: () => this.typed(), onchange: () => this.commit() });
    this.give = commit;
    this.read = read;
    this.write = write;
    this.dirty = false;
  }

  typed() {
    this.dirty = true;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.half || this.commit(), TYPE_LATER);
  }

  /** Whether it holds what is no number yet, which looks as if it were empty. */
  get half() {
    return this.element.validity.badInput;
  }

  commit() {
    clearTimeout(this.timer);
    if (!this.dirty) return;
    this.dirty = false;
    if (this.half) {
      this.element.value = ""; // the half number would stay beside the old one
      this.element.value = this.text;
      return;
    }
    const text = this.element.value;
    this.give(text === "" ? null : this.read(text));
  }

  /** Show a value, unless the person is typing another. */
  show(value, several) {
    this.element.placeholder = several ? STRINGS.several : "";
    this.text = several || value === undefined || value === null ? "" : this.write(value);
    if (this.dirty) return;
    if (this.element.value !== this.text) this.element.value = this.text;
  }
}

export class ChoiceField {
  /** Let one of `choices`, [[value, text]…], be chosen; the first is "not set". */
  constructor(id, commit, choices) {
    this.choices = choices;
    this.several = h("option", { value: "several", disabled: true, hidden: true }, STRINGS.several);
    const options = choices.map(([, text], at) => h("option", { value: String(at) }, text));
    this.element = h(
      "select",
      { id, onchange: () => commit(choices[Number(this.element.value)][0]) },
      this.several,
      options,
    );
  }

  show(value, several) {
    const at = this.choices.findIndex(([one]) => one === (value ?? null));
    this.element.value = several ? "several" : String(Math.max(0, at));
  }
}

class ManyField {
  /** Let several of `options` be chosen; `change(add, drop)` says which one joins or leaves. */
  constructor(id, change, options) {
    const box = (option) =>
      h("input", {
        type: "checkbox",
        value: String(option),
        onchange: ({ target }) => (target.checked ? change([target.value], []) : change([], [target.value])),
      });
    this.boxes = options.map(box);
    const labels = options.map((option, at) => h("label", {}, this.boxes[at], String(option)));
    this.element = h("div", { id, class: "ik-many", role: "group" }, labels);
  }

  /** Show how many of `of` rows have each option: all, some or none. */
  showCounts(counts, of) {
    for (const box of this.boxes) {
      const n = counts.get(box.value) || 0;
      box.checked = n === of;
      box.indeterminate = n > 0 && n < of;
    }
  }
}

export class TagsField {
  /** Hold tags as chips; `change(add, drop)` says which tag joins or leaves. */
  constructor(id, change) {
    this.change = change;
    this.input = h("input", {
      id,
      type: "text",
      placeholder: STRINGS.addTag,
      onkeydown: (event) => this.pressed(event),
      onblur: () => this.commit(),
    });
    this.chips = h("span", { class: "ik-chip-list" });
    this.element = h("div", { class: "ik-chips", onclick: () => this.input.focus() }, this.chips, this.input);
  }

  pressed(event) {
    if (event.key === "Enter" || event.key === ",") {
      event.preventDefault();
      this.commit();
    } else if (event.key === "Backspace" && !this.input.value) {
      const last = this.tags[this.tags.length - 1];
      if (last !== undefined && !this.kept.has(last)) this.change([], [last]);
    }
  }

  commit() {
    const tags = this.input.value
      .split(",")
      .map((tag) => tag.trim())
      .filter(Boolean);
    this.input.value = "";
    if (tags.length) this.change(tags, []);
  }

  /** Show how many of `of` rows have each tag, and which are `kept` in any case. */
  showCounts(counts, of, kept) {
    const key = JSON.stringify([...counts, of, ...kept]);
    if (key === this.key) return;
    this.key = key;
    this.kept = kept;
    this.tags = [...counts.keys()];
    this.chips.replaceChildren(...[...counts].map(([tag, n]) => this.chip(tag, n, of)));
  }

  chip(tag, n, of) {
    const title = n < of ? STRINGS.someTag(tag, n, of) : tag;
    const kind = `ik-tag ${n < of ? "ik-some" : ""}`;
    if (this.kept.has(tag)) return h("span", { class: kind, title: `${title}\n${STRINGS.keptTag}` }, h("span", {}, tag));
    const remove = button({
      sign: "close",
      label: STRINGS.removeTag(tag),
      kind: "ik-quiet ik-small",
      press: () => this.drop(tag),
    });
    return h("span", { class: kind, title }, h("span", {}, tag), remove);
  }

  drop(tag) {
    this.input.focus();
    this.change([], [tag]);
  }
}

/** Make the field for a custom metadata field of the account; `change(add, drop)` is for one that holds several. */
export function metadataField(id, commit, change, field) {
  const { type, options } = field;
  if (type === "Boolean")
    return new ChoiceField(id, commit, [
      [null, STRINGS.unset],
      [true, STRINGS.yes],
      [false, STRINGS.no],
    ]);
  if (type === "SingleSelect")
    return new ChoiceField(id, commit, [[null, STRINGS.unset], ...options.map((one) => [one, String(one)])]);
  if (type === "MultiSelect") return new ManyField(id, change, options);
  if (type === "Textarea") return new TextField(id, commit, { tag: "textarea", maxlength: field.maxLength });
  if (type === "Number")
    return new TextField(id, commit, { type: "number", step: "any", min: field.min, max: field.max, read: Number });
  if (type === "Date") return new TextField(id, commit, { type: "date", write: (value) => String(value).slice(0, 10) });
  return new TextField(id, commit, { maxlength: field.maxLength });
}

/** Take a metadata field as the account's API or the kernel writes it. */
export function metadataSpec(field) {
  const schema = { ...field, ...(field.schema || {}) };
  return {
    name: field.name,
    label: field.label || field.name,
    type: schema.type || "Text",
    options: schema.options || schema.selectOptions || [],
    min: schema.min ?? schema.minValue,
    max: schema.max ?? schema.maxValue,
    maxLength: schema.max_length ?? schema.maxLength,
    required: Boolean(schema.required ?? schema.isValueRequired),
  };
}
