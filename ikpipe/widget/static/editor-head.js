// The head of the editing panel: the pictures of the rows, what the panel does, and whether all is saved.

import { button, h, setText } from "./dom.js";
import { STRINGS } from "./strings.js";

const MAX_PICTURES = 4;
const SAVED_TIME = 2500; // ms

export class EditorHead {
  /** @param {Ui} ui */
  constructor(ui) {
    this.ui = ui;
    this.title = h("h2", { tabindex: "-1" });
    this.saved = h("span", { class: "ik-saved", role: "status" });
    const close = button({ icon: "close", label: STRINGS.close, kind: "ik-quiet", press: () => ui.edit(null) });
    const bar = h("header", { class: "ik-editor-head" }, this.title, this.saved, close);
    this.pictures = Array.from({ length: MAX_PICTURES }, () => h("span", { class: "ik-thumb" }));
    this.more = h("span", { class: "ik-more" });
    this.strip = h("div", { class: "ik-editor-pictures" }, this.pictures, this.more);
    this.elements = [bar, this.strip];
  }

  /** Show the pictures of some rows. @param {Row[]} rows @param {boolean} editable */
  show(rows, editable) {
    setText(this.title, editable || !rows.length ? STRINGS.editing(rows.length) : STRINGS.details);
    this.strip.hidden = rows.length === 0;
    this.strip.classList.toggle("ik-alone", rows.length === 1);
    this.pictures.forEach((picture, at) => {
      picture.hidden = at >= rows.length;
      if (rows[at]) this.ui.thumbnails.show(picture, rows[at]);
    });
    setText(this.more, rows.length > MAX_PICTURES ? STRINGS.moreTags(rows.length - MAX_PICTURES) : "");
  }

  showSaving() {
    clearTimeout(this.timer);
    setText(this.saved, STRINGS.saving);
  }

  /** @param {boolean} saved @param {boolean} others whether other edits have no answer yet */
  showSaved(saved, others) {
    if (others) return;
    setText(this.saved, saved ? STRINGS.saved : "");
    this.timer = setTimeout(() => setText(this.saved, ""), SAVED_TIME);
  }
}
