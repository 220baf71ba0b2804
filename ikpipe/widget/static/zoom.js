// Zooming and panning a picture with the mouse, fingers or keys. Several pictures can share one zoom.

import { button, EventEmitter, h, setText, stepOf } from "./dom.js";
import { STRINGS } from "./strings.js";

const STEP = 1.5; // of a key or a button
const WHEEL = 0.002; // of a pixel that a wheel is turned by
const PINCH = 0.01; // of a pixel of a touchpad's pinch
const PAN_STEP = 60; // pixels
const MAX_SCALE = 8; // of a picture that fits, and of its own pixels

/** The part of a picture that is shown: its scale, where 1 fits, and its center, as shares of width and height. */
export class Zoom extends EventEmitter {
  constructor() {
    super();
    this.scale = 1;
    this.x = 0; // from the picture's center, -0.5 to 0.5
    this.y = 0;
  }

  /** @param {number} scale @param {number} x @param {number} y */
  set(scale, x, y) {
    Object.assign(this, { scale, x, y });
    this.emit("change");
  }

  fit() {
    this.set(1, 0, 0);
  }
}

/** A picture in its frame, which shows what a zoom says. */
export class ZoomPane {
  /**
   * @param {Zoom} zoom @param {HTMLElement} frame @param {HTMLElement} picture
   * @param {[number, number]} size of the picture in its own pixels
   */
  constructor(zoom, frame, picture, size) {
    Object.assign(this, { zoom, frame, picture });
    this.zoom = zoom;
    this.frame = frame;
    this.picture = picture;
    this.size = size;
    /** @type {Map<number, {x: number, y: number}>} */
    this.pointers = new Map();
    this.controller = new AbortController();
    const { signal } = this.controller;
    /** @type {[string, (event: any) => void][]} */
    const listeners = [
      ["wheel", (event) => this.wheel(event)],
      ["pointerdown", (event) => this.pressed(event)],
      ["pointermove", (event) => this.moved(event)],
      ["pointerup", (event) => this.released(event)],
      ["pointercancel", (event) => this.released(event)],
      ["dblclick", (event) => this.isOwn(event) && this.toggle(event)],
    ];
    for (const [name, listener] of listeners) frame.addEventListener(name, listener, { signal, passive: false });
    const stop = zoom.on("change", () => this.apply());
    const observer = new ResizeObserver(() => this.apply());
    observer.observe(frame);
    signal.addEventListener("abort", () => {
      stop();
      observer.disconnect();
    });
    frame.classList.add("ik-zoomable");
    this.apply();
  }

  /** Width and height of the picture where it fits, in pixels of the page. */
  get box() {
    return [Math.max(1, this.picture.offsetWidth), Math.max(1, this.picture.offsetHeight)];
  }

  /** The scale at which a pixel of the picture is one of the page. */
  get actual() {
    return this.size[0] / this.box[0];
  }

  get maximum() {
    return MAX_SCALE * Math.max(1, this.actual);
  }

  get percent() {
    return Math.round((100 * this.zoom.scale) / this.actual);
  }

  apply() {
    const { scale, x, y } = this.zoom;
    const [width, height] = this.box;
    this.picture.style.transform = scale === 1 ? "" : `translate(${-x * width * scale}px, ${-y * height * scale}px) scale(${scale})`;
    this.picture.style.setProperty("--ik-zoom", String(scale)); // handles keep their size
    this.frame.classList.toggle("ik-zoomed", scale > 1);
  }

  /**
   * Change the scale; the point of the picture that is at a point of the page stays there.
   * @param {number} scale @param {{ clientX: number, clientY: number }} [at] the middle, if there is none
   */
  scaleTo(scale, at) {
    const next = Math.min(this.maximum, Math.max(1, scale));
    const frame = this.frame.getBoundingClientRect();
    const [px, py] = at ? [at.clientX - frame.left - frame.width / 2, at.clientY - frame.top - frame.height / 2] : [0, 0];
    const [width, height] = this.box;
    const change = 1 / this.zoom.scale - 1 / next;
    this.show(next, this.zoom.x + (px / width) * change, this.zoom.y + (py / height) * change);
  }

  /** @param {number} scale @param {number} x @param {number} y */
  show(scale, x, y) {
    const [width, height] = this.box;
    /** @param {number} share @param {number} length @param {number} room */
    const limit = (share, length, room) => {
      const most = Math.max(0, (scale * length - room) / 2 / (scale * length));
      return Math.min(most, Math.max(-most, share));
    };
    const { clientWidth, clientHeight } = this.frame;
    this.zoom.set(scale, limit(x, width, clientWidth), limit(y, height, clientHeight));
  }

  /** Move what is shown, in pixels of the page. @param {number} dx @param {number} dy */
  pan(dx, dy) {
    const { scale, x, y } = this.zoom;
    const [width, height] = this.box;
    this.show(scale, x - dx / (width * scale), y - dy / (height * scale));
  }

  /** Show a picture in its own pixels, or again as a whole. @param {{ clientX: number, clientY: number }} [at] */
  toggle(at) {
    if (this.zoom.scale > 1) this.zoom.fit();
    else this.scaleTo(this.actual > 1.01 ? this.actual : 2, at);
  }

  /** @param {number} by 1 or -1 */
  step(by) {
    this.scaleTo(this.zoom.scale * STEP ** by);
  }

  /** Whether an event is not that of something on the picture, such as an area that is drawn. @param {Event} event */
  isOwn({ target }) {
    return !(/** @type {Element} */ (target).closest(".ik-drawing, .ik-crop, button, video, audio"));
  }

  /** @param {WheelEvent} event */
  wheel(event) {
    event.preventDefault();
    const turned = event.deltaY * (event.deltaMode ? 30 : 1);
    this.scaleTo(this.zoom.scale * Math.exp(-turned * (event.ctrlKey ? PINCH : WHEEL)), event);
  }

  /** @param {PointerEvent} event */
  pressed(event) {
    if (event.button !== 0 || !this.isOwn(event)) return;
    this.pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    this.frame.setPointerCapture(event.pointerId);
    if (event.pointerType === "mouse") event.preventDefault(); // the picture would be dragged
  }

  /** @param {PointerEvent} event */
  moved({ pointerId, clientX, clientY }) {
    const before = this.pointers.get(pointerId);
    if (!before) return;
    const now = { x: clientX, y: clientY };
    const other = [...this.pointers].find(([id]) => id !== pointerId)?.[1];
    this.pointers.set(pointerId, now);
    if (!other) return this.pan(now.x - before.x, now.y - before.y);
    const ratio = distance(now, other) / Math.max(1, distance(before, other));
    this.scaleTo(this.zoom.scale * ratio, { clientX: (now.x + other.x) / 2, clientY: (now.y + other.y) / 2 });
    this.pan((now.x - before.x) / 2, (now.y - before.y) / 2);
  }

  /** @param {PointerEvent} event */
  released({ pointerId }) {
    this.pointers.delete(pointerId);
  }

  /** Do what a key stands for, and return whether it stands for anything. @param {KeyboardEvent} event */
  keyPressed({ key, shiftKey, ctrlKey, metaKey, altKey }) {
    if (ctrlKey || metaKey || altKey) return false;
    if (key === "+" || key === "=") this.step(1);
    else if (key === "-") this.step(-1);
    else if (key === "0") this.zoom.fit();
    else {
      const right = stepOf(key, "ArrowLeft", "ArrowRight");
      const down = stepOf(key, "ArrowUp", "ArrowDown");
      if (!shiftKey || !(right || down)) return false;
      this.pan(-right * PAN_STEP, -down * PAN_STEP);
    }
    return true;
  }

  close() {
    this.controller.abort();
    this.frame.classList.remove("ik-zoomable", "ik-zoomed");
  }
}

/** @param {{x: number, y: number}} a @param {{x: number, y: number}} b */
const distance = (a, b) => Math.hypot(a.x - b.x, a.y - b.y);

/** Buttons that zoom, with the percentage between them; pressed, it shows the whole picture or its own pixels. */
export class ZoomButtons {
  /** @param {Zoom} zoom @param {...HTMLElement} others */
  constructor(zoom, ...others) {
    /** @type {ZoomPane | null} */
    this.pane = null;
    this.percent = button({ text: "100 %", kind: "ik-quiet ik-percent", press: () => this.pane?.toggle() });
    this.status = h("span", { class: "ik-hidden", role: "status" });
    const less = button({ icon: "minus", label: STRINGS.zoomOut, kind: "ik-quiet", press: () => this.pane?.step(-1) });
    const more = button({ icon: "plus", label: STRINGS.zoomIn, kind: "ik-quiet", press: () => this.pane?.step(1) });
    this.zooming = h("span", { class: "ik-zoom-buttons", hidden: true }, less, this.percent, more, this.status);
    const label = { role: "group", "aria-label": STRINGS.zoom };
    this.element = h("div", { class: "ik-zoom-bar", ...label }, this.zooming, ...others);
    zoom.on("change", () => this.update());
  }

  /** @param {ZoomPane | null} pane */
  show(pane) {
    this.pane = pane;
    this.zooming.hidden = !pane;
    this.update();
  }

  update() {
    if (!this.pane) return;
    const text = STRINGS.percent(this.pane.percent);
    const label = this.pane.zoom.scale > 1 ? STRINGS.zoomFit(text) : STRINGS.zoomActual(text);
    setText(this.percent.querySelector(".ik-word"), text);
    this.percent.setAttribute("aria-label", label);
    this.percent.title = label;
    setText(this.status, this.pane.zoom.scale > 1 ? text : "");
  }
}
