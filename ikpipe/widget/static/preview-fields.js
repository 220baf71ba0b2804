// What can be edited in the preview while the user moves from file to file: name, description and tags.

import { h, setText } from "./dom.js";
import { NameField, TagsField, TextField } from "./fields.js";
import { isEditable } from "./states.js";
import { STRINGS } from "./strings.js";

export class PreviewFields {
  /** @param {Ui} ui */
  constructor(ui) {
    this.ui = ui;
    /** @type {Row | null} */
    this.row = null;
    const prefix = `ik-${Math.random().toString(36).slice(2, 8)}`;
    const set = (/** @type {string} */ column) => (/** @type {Value} */ value) => this.set(column, value);
    this.name = new NameField(`${prefix}-n`, set("file_name"));
    this.description = new TextField(`${prefix}-d`, set("description"), { tag: "textarea" });
    this.tags = new TagsField(`${prefix}-t`, (add, remove) => this.changeTags(add, remove));
    this.fields = [this.name, this.description, this.tags];
    /** @param {string} id @param {string} text @param {Field} field */
    const labeled = (id, text, field) => h("div", { class: "ik-field" }, h("label", { for: id }, text), field.element);
    this.element = h("fieldset", { class: "ik-preview-fields", hidden: true }, [
      h("legend", { class: "ik-hidden" }, STRINGS.edit),
      labeled(`${prefix}-n`, STRINGS.fields.file_name, this.name),
      labeled(`${prefix}-d`, STRINGS.fields.description, this.description),
      labeled(`${prefix}-t`, STRINGS.fields.tags, this.tags),
      (this.hint = h("p", { class: "ik-quiet-text" })),
    ]);
    setText(this.hint, STRINGS.moveWhileTyping);
  }

  /** @param {string} column @param {Value} value */
  set(column, value) {
    if (this.row) this.ui.queue.edit([this.row.id], column, value);
  }

  /** @param {string[]} add @param {string[]} remove */
  changeTags(add, remove) {
    const tags = [...new Set([...(this.row?.tags ?? []), ...add])].filter((tag) => !remove.includes(tag));
    if (this.row) this.row = { ...this.row, tags }; // a second change builds on it
    this.set("tags", tags);
  }

  /** Save what was typed. */
  save() {
    for (const field of this.fields) field.commit();
  }

  /** Drop what was typed and is not saved yet, and return whether there was anything. */
  revert() {
    return this.fields.map((field) => field.revert()).some(Boolean);
  }

  /** @param {Row} row */
  show(row) {
    this.row = row;
    this.element.hidden = !isEditable(row);
    this.name.show(row.name, false);
    this.description.show(row.description, false);
    const tags = row.tags ?? [];
    const required = this.ui.queue.settings.defaults?.tags && tags.length === 1 ? tags : [];
    this.tags.showCounts(new Map(tags.map((tag) => [tag, 1])), 1, new Set(required));
  }
}
