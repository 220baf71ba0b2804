// The focus area of the picture in the preview: drawn, typed, and checked to be in the picture.

import { button, h, setButtonText } from "./dom.js";
import { AreaDrawer, AreaFields, limitArea, parseArea } from "./focus-area.js";
import { icon } from "./icons.js";
import { isBusy, isUploaded } from "./states.js";
import { STRINGS } from "./strings.js";

export class AreaEditor {
  /**
   * @param {Ui} ui @param {string} id the row
   * @param {HTMLElement} picture @param {[number, number]} size of the picture, in pixels
   */
  constructor(ui, id, picture, size) {
    this.ui = ui;
    this.id = id;
    this.size = size;
    this.fields = new AreaFields((area) => this.set(area));
    this.problem = h("div", { class: "ik-problem", hidden: true });
    this.drawer = new AreaDrawer(picture, size, (area) => this.set(area));
    this.clearButton = button({ text: STRINGS.clearArea, press: () => this.set(null) });
    const press = () => this.setDrawing(this.toggle.getAttribute("aria-pressed") !== "true");
    this.toggle = button({ icon: "area", text: STRINGS.drawArea, press, "aria-pressed": "false" });
    this.element = h("fieldset", { class: "ik-area-edit" }, [
      h("legend", {}, STRINGS.focusArea),
      h("p", { class: "ik-quiet-text" }, STRINGS.drawHint),
      this.problem,
      this.fields.element,
      h("div", { class: "ik-buttons" }, this.toggle, this.clearButton),
    ]);
  }

  /** @param {boolean} on */
  setDrawing(on) {
    this.toggle.setAttribute("aria-pressed", String(on));
    setButtonText(this.toggle, on ? STRINGS.stopDrawing : STRINGS.drawArea);
    this.drawer.setDrawing(on);
  }

  get sizeText() {
    return STRINGS.pixels(...this.size);
  }

  /** Set the focus area, as far as it is in the picture; one outside is not taken. @param {Rect | null} area */
  set(area) {
    const limited = area && limitArea(area, this.size);
    if (area && !limited) {
      this.ui.announce(STRINGS.areaOutside(this.sizeText), { visible: true });
      this.fields.show(parseArea(this.ui.store.get(this.id)?.coordinates));
      return;
    }
    if (String(area) !== String(limited)) this.ui.announce(STRINGS.areaClamped(this.sizeText), { visible: true });
    this.fields.show(limited);
    this.ui.queue.edit([this.id], "custom_coordinates", limited ? limited.join(",") : null);
  }

  /** Show a row's area, and say if it is larger than its picture. @param {Row} row */
  show(row) {
    const area = parseArea(row.coordinates);
    this.fields.show(area);
    this.drawer.show(area);
    this.element.hidden = isBusy(row) || isUploaded(row);
    this.clearButton.hidden = !area;
    const tooLarge = area !== null && String(limitArea(area, this.size)) !== String(area);
    this.problem.hidden = !tooLarge;
    if (!tooLarge) return;
    const press = () => this.set(limitArea(area, this.size));
    const text = h("span", {}, STRINGS.areaTooLarge(this.sizeText));
    this.problem.replaceChildren(icon("warn"), text, button({ text: STRINGS.limitArea, press }));
  }
}
