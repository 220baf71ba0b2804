// What all rows have in common: columns with the same value in each row need no room in the list.

import { button, EventEmitter, h } from "./dom.js";
import { kindText } from "./format.js";
import { problemsAt } from "./problems.js";
import { folderText } from "./row-parts.js";
import { isEditable } from "./states.js";
import { STRINGS } from "./strings.js";

const SHARED_DELAY = 200; // ms between two updates while rows change
const MAX_TAGS = 3;

/** @type {Record<string, (row: Row) => string>} */
const READERS = { folder: folderText, tags: (row) => (row.tags ?? []).join("\n"), kind: kindText };

export class SharedValues extends EventEmitter {
  /** @param {Ui} ui */
  constructor(ui) {
    super();
    this.ui = ui;
    /** @type {Map<string, string>} */
    this.values = new Map(); // by column
    this.key = ""; // what is shown
    this.element = h("div", { class: "ik-shared" });
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.timer = undefined;
    ui.cleanup.add(
      ui.store.on("rows", (_changed, orderChanged) => {
        if (orderChanged) this.update();
        else this.timer ??= setTimeout(() => this.update(), SHARED_DELAY);
      }),
      () => clearTimeout(this.timer),
    );
    this.update();
  }

  update() {
    clearTimeout(this.timer);
    this.timer = undefined;
    const values = new Map();
    for (const column of Object.keys(READERS)) {
      const value = this.valueOf(column);
      if (value !== null) values.set(column, value);
    }
    const editable = this.isEditable();
    const key = JSON.stringify([[...values], editable]);
    if (key === this.key) return;
    this.key = key;
    this.values = values;
    this.element.replaceChildren(...this.parts(editable));
    this.emit("change");
  }

  isEditable() {
    for (const row of this.ui.store.rows.values()) if (isEditable(row)) return true;
    return false;
  }

  /** Return what all rows have in a column, null if they differ or one has a problem there. @param {string} column */
  valueOf(column) {
    const read = READERS[column];
    let value = null;
    for (const row of this.ui.store.rows.values()) {
      const own = read(row);
      if ((value !== null && own !== value) || problemsAt(row, column).length) return null;
      value = own;
    }
    return value;
  }

  /** @param {boolean} editable */
  parts(editable) {
    const { ui } = this;
    const folder = this.values.get("folder");
    const tags = (this.values.get("tags") ?? "").split("\n").filter(Boolean);
    const kind = this.values.get("kind");
    const press = () => ui.edit([...ui.store.rows.keys()], "folder");
    const parts = [];
    if (folder) {
      const words = [h("span", {}, STRINGS.uploadTo), h("strong", {}, folder)];
      const label = STRINGS.changeFolder(folder);
      const change = button({ kind: "ik-quiet ik-shared-folder", label, press });
      change.append(...words);
      parts.push(editable ? change : h("span", { class: "ik-shared-folder" }, words));
    }
    if (kind) parts.push(h("span", { class: "ik-quiet-text" }, kind));
    parts.push(...tags.slice(0, MAX_TAGS).map((tag) => h("span", { class: "ik-tag" }, tag)));
    if (tags.length > MAX_TAGS) parts.push(h("span", { class: "ik-more" }, STRINGS.moreTags(tags.length - MAX_TAGS)));
    return parts;
  }
}
