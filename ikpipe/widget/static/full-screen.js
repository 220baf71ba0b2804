// Showing a part of the page on the whole screen; where the browser does not allow it, in the whole window.

import { button, setAttribute } from "./dom.js";
import { STRINGS } from "./strings.js";

export class FullScreen {
  /** @param {HTMLElement} element that is shown @param {HTMLElement} dialog that fills the window otherwise */
  constructor(element, dialog) {
    this.element = element;
    this.dialog = dialog;
    this.button = button({ icon: "full", label: STRINGS.fullScreen, kind: "ik-quiet", press: () => this.toggle() });
    setAttribute(this.button, "aria-pressed", "false");
    element.addEventListener("fullscreenchange", () => this.update());
  }

  /** The element that the browser shows on the whole screen, also in a shadow root. */
  get isFull() {
    const { fullscreenElement } = /** @type {Document | ShadowRoot} */ (this.element.getRootNode());
    return fullscreenElement === this.element;
  }

  get isOn() {
    return this.isFull || this.dialog.classList.contains("ik-full");
  }

  async toggle() {
    if (this.isFull) await document.exitFullscreen();
    else if (this.isOn) this.dialog.classList.remove("ik-full");
    else await this.open();
    this.update();
  }

  async open() {
    try {
      await this.element.requestFullscreen();
    } catch {
      this.dialog.classList.add("ik-full"); // a frame or an application without the right to it
    }
  }

  update() {
    setAttribute(this.button, "aria-pressed", String(this.isOn));
  }

  close() {
    if (this.isFull) document.exitFullscreen().catch(() => {});
  }
}
