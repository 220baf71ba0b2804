// The part of the preview's details that says what was done to a picture, and starts to edit it.

import { button, h } from "./dom.js";
import { familyOf } from "./format.js";
import { pictureText, UNEDITED } from "./picture.js";
import { obstacleText, openPicture, PictureEditor } from "./picture-editor.js";
import { pictureFormat } from "./picture-file.js";
import { isEditable } from "./states.js";
import { STRINGS } from "./strings.js";

/** @typedef {import("./picture.js").PictureEdits} PictureEdits */

export class PicturePart {
  /**
   * @param {Ui} ui @param {(editor: PictureEditor | null) => void} onEditor shows an editor, or the preview again
   */
  constructor(ui, onEditor) {
    this.ui = ui;
    this.onEditor = onEditor;
    /** @type {PictureEditor | null} */
    this.editor = null;
    /** @type {Row | null} */
    this.row = null;
    this.text = h("p", {});
    this.obstacle = h("p", { class: "ik-quiet-text" });
    this.editButton = button({ icon: "crop", text: STRINGS.editPicture, press: () => this.open() });
    this.resetButton = button({ icon: "undo", text: STRINGS.resetPicture, kind: "ik-quiet", press: () => this.reset() });
    const buttons = h("div", { class: "ik-buttons" }, this.editButton, this.resetButton);
    this.element = h("div", { class: "ik-details-part", hidden: true }, this.text, buttons, this.obstacle);
  }

  /** @param {string} id */
  fileOf(id) {
    return this.ui.queue.files.get(id)?.file;
  }

  /** @param {Row} row */
  show(row) {
    const file = this.fileOf(row.id);
    const another = this.row?.id !== row.id;
    this.row = row;
    this.element.hidden = familyOf(row) !== "image" || !isEditable(row);
    this.text.textContent = pictureText(row);
    this.text.hidden = !row.picture;
    this.resetButton.hidden = !row.picture;
    const elsewhere = row.source !== "browser" ? STRINGS.cannotEdit.elsewhere : STRINGS.cannotEdit.missing;
    if (another || !file) this.refuse(file ? "" : elsewhere);
    if (another && file && !this.element.hidden) this.check(row, file);
  }

  /** Say why the picture cannot be edited, or offer it. @param {string} text */
  refuse(text) {
    this.obstacle.textContent = text;
    this.obstacle.hidden = !text;
    this.editButton.hidden = Boolean(text);
  }

  /** @param {Row} row @param {File} file */
  async check(row, file) {
    const obstacle = await pictureFormat(file).then(() => "", obstacleText);
    if (this.row?.id === row.id) this.refuse(obstacle);
  }

  async open() {
    const { row } = this;
    const file = row && this.fileOf(row.id);
    if (!row || !file) return;
    try {
      const { printing } = await pictureFormat(file);
      const { canvas, size } = await openPicture(this.ui.queue.pictures, file);
      if (this.row?.id !== row.id || this.editor || !this.element.isConnected) return;
      const save = (/** @type {PictureEdits} */ edits) => this.save(row, edits, size);
      this.editor = new PictureEditor(row, canvas, size, printing, save, () => this.close());
      this.onEditor(this.editor);
      this.editor.draw();
      this.editor.box?.element.focus();
    } catch (error) {
      this.ui.announce(obstacleText(error), { visible: true });
    }
  }

  /** End the editing without a change. */
  close() {
    if (!this.editor) return;
    this.editor = null;
    this.onEditor(null);
  }

  /** Apply what was changed, if anything was: the user moves on. */
  leave() {
    const { editor } = this;
    this.editor = null;
    if (editor?.isChanged) editor.apply();
  }

  /** @param {Row} row as it was opened @param {PictureEdits} edits @param {Size} size of the original */
  async save({ id }, edits, size) {
    const { editor, ui } = this;
    const row = ui.store.get(id);
    if (!row || !isEditable(row)) return this.close();
    try {
      const { step, lostArea } = await ui.queue.pictures.edit(row, edits, size);
      ui.announceStep([STRINGS.pictureSaved, lostArea ? STRINGS.areaLost : ""].filter(Boolean).join(" "), step);
      if (this.editor === editor) this.close();
    } catch (error) {
      ui.announce(obstacleText(error), { visible: true });
      editor?.failed();
    }
  }

  /** Restore the original. */
  async reset() {
    const { row } = this;
    const file = row && this.fileOf(row.id);
    if (!row) return;
    if (!file) return void this.ui.queue.edit([row.id], "picture", null);
    const { size } = await openPicture(this.ui.queue.pictures, file);
    await this.save(row, UNEDITED, size);
  }
}
