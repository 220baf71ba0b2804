// The box that a picture is cropped to: moved and resized with the pointer, fingers or keys.

import { h, stepOf } from "./dom.js";
import { STRINGS } from "./strings.js";

const EDGES = ["nw", "n", "ne", "e", "se", "s", "sw", "w"];
const KEY_STEP = 0.01; // of the picture's width or height

/**
 * Return a rectangle with a ratio of width to height around a point of it that stays where it is, inside a picture.
 * @param {Rect} rect @param {number} ratio @param {Size} full of the picture
 * @param {[number, number]} anchor the point, as shares of width and height
 * @returns {Rect}
 */
export function withRatio([x, y, width, height], ratio, [fullWidth, fullHeight], [ax, ay] = [0.5, 0.5]) {
  const [px, py] = [x + ax * width, y + ay * height];
  /** @param {number} place @param {number} share @param {number} full */
  const room = (place, share, full) =>
    Math.min(share > 0 ? place / share : Infinity, share < 1 ? (full - place) / (1 - share) : Infinity);
  const most = Math.min(room(px, ax, fullWidth), room(py, ay, fullHeight) * ratio);
  const wide = Math.max(1, Math.min(most, Math.max(width, height * ratio)));
  return inside([px - ax * wide, py - (ay * wide) / ratio, wide, wide / ratio], [fullWidth, fullHeight]);
}

/** Return a rectangle in whole pixels that is inside a picture. @param {Rect} rect @param {Size} full @returns {Rect} */
export function inside([x, y, width, height], [fullWidth, fullHeight]) {
  const wide = Math.min(fullWidth, Math.max(1, Math.round(width)));
  const high = Math.min(fullHeight, Math.max(1, Math.round(height)));
  /** @param {number} place @param {number} most */
  const limit = (place, most) => Math.min(most, Math.max(0, Math.round(place)));
  return [limit(x, fullWidth - wide), limit(y, fullHeight - high), wide, high];
}

/** The rectangle after an edge or a corner was dragged to a point. @type {(rect: Rect, edges: string, to: [number, number]) => Rect} */
function dragged([x, y, width, height], edges, [toX, toY]) {
  const left = edges.includes("w") ? Math.min(toX, x + width - 1) : x;
  const right = edges.includes("e") ? Math.max(toX, x + 1) : x + width;
  const top = edges.includes("n") ? Math.min(toY, y + height - 1) : y;
  const bottom = edges.includes("s") ? Math.max(toY, y + 1) : y + height;
  return [left, top, right - left, bottom - top];
}

export class CropBox {
  /**
   * @param {HTMLElement} picture that the box lies over @param {Size} size of the picture, in its own pixels
   * @param {(rect: Rect) => void} onChange
   */
  constructor(picture, size, onChange) {
    this.picture = picture;
    this.size = size;
    this.onChange = onChange;
    /** @type {number | null} */
    this.ratio = null; // of width to height, if it is fixed
    /** @type {Rect} */
    this.rect = [0, 0, ...size];
    const handles = EDGES.map((edges) => h("span", { class: `ik-handle ik-handle-${edges}`, "data-edges": edges }));
    const listeners = {
      onpointerdown: (/** @type {PointerEvent} */ event) => this.pressed(event),
      onkeydown: (/** @type {KeyboardEvent} */ event) => this.keyPressed(event),
    };
    this.element = h("div", { class: "ik-crop", tabindex: "0", role: "group", ...listeners }, handles);
    picture.append(h("div", { class: "ik-crop-sheet" }, this.element));
  }

  /** @param {Rect} rect */
  show(rect) {
    this.rect = rect;
    const [x, y, width, height] = rect;
    /** @param {number} part @param {number} full */
    const percent = (part, full) => `${(100 * part) / full}%`;
    Object.assign(this.element.style, {
      left: percent(x, this.size[0]),
      top: percent(y, this.size[1]),
      width: percent(width, this.size[0]),
      height: percent(height, this.size[1]),
    });
    this.element.setAttribute("aria-label", STRINGS.cropBox(STRINGS.pixels(width, height), x, y));
  }

  /** @param {Rect} rect @param {[number, number]} [anchor] */
  change(rect, anchor) {
    this.show(this.ratio ? withRatio(rect, this.ratio, this.size, anchor) : inside(rect, this.size));
    this.onChange(this.rect);
  }

  /** @param {PointerEvent} event @returns {[number, number]} */
  pixelAt({ clientX, clientY }) {
    const at = this.picture.getBoundingClientRect();
    return [((clientX - at.left) / at.width) * this.size[0], ((clientY - at.top) / at.height) * this.size[1]];
  }

  /** @param {PointerEvent} event */
  pressed(event) {
    if (event.button !== 0) return;
    event.preventDefault();
    this.element.focus({ preventScroll: true });
    const { edges = "" } = /** @type {On<PointerEvent>} */ (event).target.dataset;
    const [startX, startY] = this.pixelAt(event);
    const start = this.rect;
    this.element.setPointerCapture(event.pointerId);
    /** @param {PointerEvent} moved */
    const drag = (moved) => {
      if (moved.pointerId !== event.pointerId) return;
      const [x, y] = this.pixelAt(moved);
      if (edges) this.resize(start, edges, [x, y]);
      else this.change([start[0] + x - startX, start[1] + y - startY, start[2], start[3]]);
    };
    const end = () => {
      this.element.removeEventListener("pointermove", drag);
      this.element.removeEventListener("pointercancel", end);
    };
    this.element.addEventListener("pointermove", drag);
    this.element.addEventListener("pointerup", end, { once: true });
    this.element.addEventListener("pointercancel", end);
  }

  /** @param {Rect} start @param {string} edges @param {[number, number]} to */
  resize(start, edges, [x, y]) {
    const [fullWidth, fullHeight] = this.size;
    const to = /** @type {[number, number]} */ ([Math.min(fullWidth, Math.max(0, x)), Math.min(fullHeight, Math.max(0, y))]);
    let rect = dragged(start, edges, to);
    // a side that is dragged decides alone; at a corner, the longer way does
    if (this.ratio && (edges === "n" || edges === "s")) rect = [rect[0], rect[1], rect[3] * this.ratio, rect[3]];
    if (this.ratio && (edges === "e" || edges === "w")) rect = [rect[0], rect[1], rect[2], rect[2] / this.ratio];
    const share = (/** @type {string} */ first, /** @type {string} */ last) =>
      edges.includes(first) ? 1 : edges.includes(last) ? 0 : 0.5;
    this.change(rect, [share("w", "e"), share("n", "s")]);
  }

  /** Arrows move the box, with Shift they resize it; with Alt by a pixel. @param {KeyboardEvent} event */
  keyPressed(event) {
    const right = stepOf(event.key, "ArrowLeft", "ArrowRight");
    const down = stepOf(event.key, "ArrowUp", "ArrowDown");
    if (!(right || down) || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    event.stopPropagation();
    /** @param {number} full */
    const step = (full) => (event.altKey ? 1 : Math.max(1, Math.round(full * KEY_STEP)));
    const [dx, dy] = [right * step(this.size[0]), down * step(this.size[1])];
    const [x, y, width, height] = this.rect;
    if (!event.shiftKey) return this.change([x + dx, y + dy, width, height]);
    const wide = Math.min(this.size[0] - x, Math.max(1, width + dx + (this.ratio ? dy * this.ratio : 0)));
    const high = Math.min(this.size[1] - y, Math.max(1, this.ratio ? wide / this.ratio : height + dy));
    this.change([x, y, wide, high], [0, 0]);
  }

  remove() {
    this.element.parentElement?.remove();
  }
}
