// The focus area of a picture, drawn with the mouse or typed: `x,y,width,height` in the picture's own pixels.

import { h } from "./dom.js";
import { STRINGS } from "./strings.js";

/** @type {(keyof typeof STRINGS.area)[]} */
const AREA_PARTS = ["x", "y", "width", "height"];

/** Return an area as numbers, or null if it is none. @param {string | undefined} text @returns {Rect | null} */
export function parseArea(text) {
  const numbers = (text ?? "").split(",").map(Number);
  if (numbers.length !== 4 || !numbers.every((n) => Number.isInteger(n) && n >= 0)) return null;
  const [x, y, width, height] = numbers;
  return [x, y, width, height];
}

/**
 * Return the part of an area that is in a picture of `[width, height]`, or null if there is none.
 * @param {Rect} area @param {[number, number]} size @returns {Rect | null}
 */
export function limitArea([x, y, width, height], [fullWidth, fullHeight]) {
  const limited = /** @type {Rect} */ ([x, y, Math.min(width, fullWidth - x), Math.min(height, fullHeight - y)]);
  return limited[2] > 0 && limited[3] > 0 ? limited : null;
}

export class AreaDrawer {
  /**
   * Draw over a picture whose own size is `[width, height]`; `onDrawn` is called with each finished area.
   * @param {HTMLElement} picture @param {[number, number]} size @param {(area: Rect) => void} onDrawn
   */
  constructor(picture, size, onDrawn) {
    this.size = size;
    this.onDrawn = onDrawn;
    /** @type {Rect | null} */
    this.area = null;
    this.box = h("div", { class: "ik-area", hidden: true });
    this.sheet = h("div", { class: "ik-area-sheet", onpointerdown: (event) => this.start(event) }, this.box);
    picture.append(this.sheet);
  }

  /** @param {boolean} on */
  setDrawing(on) {
    this.sheet.classList.toggle("ik-drawing", on);
  }

  /** @param {Rect | null} area */
  show(area) {
    this.area = area;
    this.box.hidden = !area;
    if (!area) return;
    const [x, y, width, height] = area;
    const [fullWidth, fullHeight] = this.size;
    /** @param {number} part @param {number} full */
    const percent = (part, full) => `${(100 * part) / full}%`;
    Object.assign(this.box.style, {
      left: percent(x, fullWidth),
      top: percent(y, fullHeight),
      width: percent(width, fullWidth),
      height: percent(height, fullHeight),
    });
  }

  /** Return the picture's pixel at the pointer. @param {PointerEvent} event @returns {[number, number]} */
  pixelAt(event) {
    const at = this.sheet.getBoundingClientRect();
    /** @param {number} share @param {number} full */
    const pixel = (share, full) => Math.round(Math.max(0, Math.min(1, share)) * full);
    return [
      pixel((event.clientX - at.left) / at.width, this.size[0]),
      pixel((event.clientY - at.top) / at.height, this.size[1]),
    ];
  }

  /** @param {PointerEvent} event */
  start(event) {
    if (event.button !== 0) return;
    event.preventDefault();
    const [x, y] = this.pixelAt(event);
    this.sheet.setPointerCapture(event.pointerId);
    /** @param {PointerEvent} moved */
    const drag = (moved) => {
      const [u, v] = this.pixelAt(moved);
      this.show([Math.min(x, u), Math.min(y, v), Math.abs(x - u), Math.abs(y - v)]);
    };
    const end = () => {
      this.sheet.removeEventListener("pointermove", drag);
      if (this.area?.[2] && this.area[3]) this.onDrawn(this.area);
    };
    this.sheet.addEventListener("pointermove", drag);
    this.sheet.addEventListener("pointerup", end, { once: true });
  }
}

/** The four number fields of an area, for users who do not draw. */
export class AreaFields {
  /** @param {(area: Rect) => void} onTyped */
  constructor(onTyped) {
    const onchange = () => {
      const area = parseArea(this.inputs.map((input) => input.value || "x").join(","));
      if (area) onTyped(area);
    };
    this.inputs = AREA_PARTS.map(() => h("input", { type: "number", min: "0", step: "1", onchange }));
    const labels = AREA_PARTS.map((part, at) => h("label", {}, STRINGS.area[part], this.inputs[at]));
    this.element = h("div", { class: "ik-area-fields" }, labels);
  }

  /** @param {Rect | null} area */
  show(area) {
    this.inputs.forEach((input, at) => (input.value = area ? String(area[at]) : ""));
  }
}
