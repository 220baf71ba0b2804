// Cropping, rotating and resizing the picture in the preview. The original stays as it is.

import { button, h, setButtonText, setText } from "./dom.js";
import { CropBox } from "./crop-box.js";
import { ChoiceField } from "./fields.js";
import { AreaFields } from "./focus-area.js";
import { icon } from "./icons.js";
import { editedSize, editsOfPicture, flip, simplified, turnedSize, turnRight, UNEDITED } from "./picture.js";
import { drawEdited, PictureError, uprightCopy } from "./picture-file.js";
import { STRINGS } from "./strings.js";

const SCREEN_SIDE = 2000; // pixels of the picture that is shown
const RATIOS = ["1:1", "4:3", "3:4", "16:9", "9:16"];

/** @typedef {import("./picture.js").PictureEdits} PictureEdits */

/** Return why a picture could not be edited, in words. @param {unknown} error */
export const obstacleText = (error) =>
  STRINGS.cannotEdit[error instanceof PictureError ? error.obstacle : /** @type {const} */ ("broken")];

export class PictureEditor {
  /**
   * @param {Row} row @param {HTMLCanvasElement} upright the picture as it was picked, for the screen
   * @param {Size} size of it @param {boolean} printing whether it has the colors of printing
   * @param {(edits: PictureEdits) => Promise<void>} save @param {() => void} cancel
   */
  constructor(row, upright, size, printing, save, cancel) {
    this.upright = upright;
    this.size = size;
    this.save = save;
    this.cancel = cancel;
    this.before = editsOfPicture(row);
    this.edits = this.before;
    this.picture = h("div", { class: "ik-picture" });
    /** @type {(picture: HTMLElement, size: Size) => void} */
    this.onDrawn = () => {};
    /** @type {CropBox | null} */
    this.box = null;
    /** @type {number | null} */
    this.ratio = null;
    this.cropFields = new AreaFields((area) => this.box?.change(area));
    const ratios = RATIOS.map((text) => /** @type {[Value, string]} */ ([text, text]));
    this.ratioField = new ChoiceField("ik-ratio", (value) => this.setRatio(value), [[null, STRINGS.freeRatio], ...ratios]);
    this.sizeInputs = [0, 1].map((at) =>
      h("input", { type: "number", min: "1", step: "1", onchange: () => this.setSize(at) }),
    );
    this.sizeText = h("p", { class: "ik-quiet-text", role: "status" });
    this.applyButton = button({ icon: "check", text: STRINGS.applyPicture, kind: "ik-primary", press: () => this.apply() });
    this.element = this.createPanel(printing);
  }

  /** @param {boolean} printing */
  createPanel(printing) {
    const turn = (/** @type {number} */ times) => this.set([...Array(times)].reduce((edits) => turnRight(edits, this.size), this.edits));
    const flipVertically = () => this.set(turnRight(turnRight(flip(this.edits, this.size), this.size), this.size));
    /** @param {string} iconName @param {string} label @param {() => void} press */
    const tool = (iconName, label, press) => button({ icon: iconName, label, press });
    const [width, height] = this.sizeInputs;
    return h("div", { class: "ik-details-part ik-picture-editor" }, [
      h("h3", {}, STRINGS.editPicture),
      h("div", { class: "ik-buttons", role: "group", "aria-label": STRINGS.rotateAndFlip }, [
        tool("turnleft", STRINGS.rotateLeft, () => turn(3)),
        tool("turnright", STRINGS.rotateRight, () => turn(1)),
        tool("mirror", STRINGS.flipHorizontally, () => this.set(flip(this.edits, this.size))),
        tool("upend", STRINGS.flipVertically, flipVertically),
      ]),
      h("fieldset", { class: "ik-area-edit" }, [
        h("legend", {}, STRINGS.crop),
        h("p", { class: "ik-quiet-text" }, STRINGS.cropHint),
        h("div", { class: "ik-field" }, h("label", { for: "ik-ratio" }, STRINGS.ratio), this.ratioField.element),
        this.cropFields.element,
      ]),
      h("fieldset", { class: "ik-area-edit" }, [
        h("legend", {}, STRINGS.resize),
        h("div", { class: "ik-area-fields" }, [
          h("label", {}, STRINGS.area.width, width),
          h("label", {}, STRINGS.area.height, height),
        ]),
        this.sizeText,
      ]),
      h("p", { class: "ik-quiet-text" }, icon("info"), " ", STRINGS.pictureLoss, printing ? ` ${STRINGS.printingLoss}` : ""),
      h("div", { class: "ik-buttons" }, [
        this.applyButton,
        button({ text: STRINGS.cancel, press: () => this.cancel() }),
        button({ icon: "undo", text: STRINGS.resetPicture, kind: "ik-quiet", press: () => this.reset() }),
      ]),
    ]);
  }

  get isChanged() {
    return JSON.stringify(simplified(this.edits, this.size)) !== JSON.stringify(this.before);
  }

  /** The size of the picture that the box lies over. */
  get full() {
    return turnedSize(this.edits, this.size);
  }

  /** Show other edits; the picture is drawn again, since it may be rotated. @param {PictureEdits} edits */
  set(edits) {
    this.edits = edits;
    this.draw();
  }

  draw() {
    const focused = this.box?.element.matches(":focus");
    const canvas = drawEdited(this.upright, { ...UNEDITED, mirror: this.edits.mirror, turn: this.edits.turn });
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", STRINGS.originalPicture);
    this.picture.replaceChildren(canvas);
    this.box = new CropBox(this.picture, this.full, (rect) => this.cropped(rect));
    this.box.show(this.edits.crop ?? [0, 0, ...this.full]);
    this.setRatio(null);
    if (focused) this.box.element.focus();
    this.onDrawn(this.picture, this.full);
    this.update();
  }

  /** @param {Rect} rect */
  cropped(rect) {
    this.edits = { ...this.edits, crop: rect, resize: null };
    this.update();
  }

  /** Keep a ratio of width to height; null is any. @param {Value} text */
  setRatio(text) {
    const [width, height] = String(text ?? "").split(":").map(Number);
    this.ratioField.show(text, false);
    if (!this.box) return;
    this.box.ratio = text ? width / height : null;
    if (text) this.box.change(this.box.rect);
  }

  /** Set the width or the height of the result; the other follows. @param {number} at 0 or 1 */
  setSize(at) {
    const { crop } = this.edits;
    const own = crop ? [crop[2], crop[3]] : this.full;
    const length = Math.min(own[at], Math.max(1, Math.round(Number(this.sizeInputs[at].value)) || own[at]));
    const other = Math.max(1, Math.round((own[1 - at] * length) / own[at]));
    /** @type {Size} */
    const size = at ? [other, length] : [length, other];
    this.edits = { ...this.edits, resize: length === own[at] ? null : size };
    this.update();
  }

  update() {
    const size = editedSize(this.edits, this.size);
    this.cropFields.show(this.edits.crop ?? [0, 0, ...this.full]);
    this.sizeInputs.forEach((input, at) => (input.value = String(size[at])));
    setText(this.sizeText, STRINGS.resultSize(STRINGS.pixels(...size), STRINGS.pixels(...this.size)));
  }

  reset() {
    this.set(UNEDITED);
  }

  async apply() {
    /** @type {HTMLButtonElement} */ (this.applyButton).disabled = true;
    setButtonText(this.applyButton, STRINGS.saving);
    await this.save(this.edits);
  }

  /** Show that the edits could not be applied. */
  failed() {
    /** @type {HTMLButtonElement} */ (this.applyButton).disabled = false;
    setButtonText(this.applyButton, STRINGS.applyPicture);
  }
}

/** Return an upright copy of a file's picture for the screen. @param {Pictures} pictures @param {File} file */
export const openPicture = (pictures, file) => pictures.inTurn(() => uprightCopy(file, SCREEN_SIDE));

/** @typedef {import("./pictures.js").Pictures} Pictures */
