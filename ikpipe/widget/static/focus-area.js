// The area of interest of a picture, drawn with the mouse or typed: `x,y,width,height` in the picture's own pixels.

import { h } from "./dom.js";
import { STRINGS } from "./strings.js";

const AREA_PARTS = ["x", "y", "width", "height"];

export function parseArea(text) {
  const numbers = String(text ?? "")
    .split(",")
    .map(Number);
  return numbers.length === 4 && numbers.every((n) => Number.isInteger(n) && n >= 0) ? numbers : null;
}

export class AreaDrawer {
  /** Draw over a picture whose own size is `[width, height]`; `onDrawn` hears of each finished area. */
  constructor(picture, size, onDrawn) {
    this.size = size;
    this.onDrawn = onDrawn;
    this.box = h("div", { class: "ik-area" });
    this.sheet = h("div", { class: "ik-area-sheet", onpointerdown: (event) => this.begin(event) }, this.box);
    picture.append(this.sheet);
    this.show(null);
  }

  set drawing(on) {
    this.sheet.classList.toggle("ik-drawing", on);
  }

  show(area) {
    this.area = area;
    this.box.hidden = !area;
    if (!area) return;
    const [x, y, width, height] = area;
    const [full, tall] = this.size;
    const percent = (part, whole) => `${(100 * part) / whole}%`;
    Object.assign(this.box.style, {
      left: percent(x, full),
      top: percent(y, tall),
      width: percent(width, full),
      height: percent(height, tall),
    });
  }

  /** Give the picture's pixel under the mouse. */
  pixel(event) {
    const at = this.sheet.getBoundingClientRect();
    const inside = (part, whole) => Math.round(Math.max(0, Math.min(1, part)) * whole);
    return [
      inside((event.clientX - at.left) / at.width, this.size[0]),
      inside((event.clientY - at.top) / at.height, this.size[1]),
    ];
  }

  begin(event) {
    if (event.button !== 0) return;
    event.preventDefault();
    const start = this.pixel(event);
    this.sheet.setPointerCapture(event.pointerId);
    const drag = (moved) => this.show(areaBetween(start, this.pixel(moved)));
    const end = () => {
      this.sheet.removeEventListener("pointermove", drag);
      if (this.area?.[2] && this.area?.[3]) this.onDrawn(this.area);
    };
    this.sheet.addEventListener("pointermove", drag);
    this.sheet.addEventListener("pointerup", end, { once: true });
  }
}

const areaBetween = ([x, y], [u, v]) => [Math.min(x, u), Math.min(y, v), Math.abs(x - u), Math.abs(y - v)];

/** Make the four number fields of an area, for those who do not draw; they hold the same area as the drawing. */
export class AreaFields {
  constructor(onTyped) {
    this.inputs = AREA_PARTS.map(() =>
      h("input", { type: "number", min: "0", step: "1", onchange: () => this.typed(onTyped) }),
    );
    const labels = AREA_PARTS.map((part, at) => h("label", {}, STRINGS.area[part], this.inputs[at]));
    this.element = h("div", { class: "ik-area-fields" }, labels);
  }

  show(area) {
    this.inputs.forEach((input, at) => (input.value = area ? area[at] : ""));
  }

  typed(onTyped) {
    const area = parseArea(this.inputs.map((input) => input.value || "x").join(","));
    if (area) onTyped(area);
  }
}
