// Two pictures side by side, which are zoomed and moved together.

import { button, h } from "./dom.js";
import { familyOf, sizeText } from "./format.js";
import { FullScreen } from "./full-screen.js";
import { mediaElement, sourceOf } from "./media.js";
import { STRINGS } from "./strings.js";
import { Zoom, ZoomButtons, ZoomPane } from "./zoom.js";

/** Whether two pictures are selected, and nothing else. @param {Store} store */
export const canCompare = (store) =>
  store.selection.size === 2 && store.selected.every((row) => familyOf(row) === "image");

export class Comparison {
  /** @param {Ui} ui @param {Row[]} rows two */
  constructor(ui, rows) {
    this.ui = ui;
    /** @type {string[]} */
    this.addresses = [];
    /** @type {ZoomPane[]} */
    this.panes = [];
    this.zoom = new Zoom();
    this.frame = h("div", { class: "ik-preview-frame" });
    this.dialog = h("dialog", { class: "ik-preview ik-comparison", "aria-label": STRINGS.compareFiles }, this.frame);
    const fullScreen = new FullScreen(this.frame, this.dialog);
    this.fullScreen = fullScreen;
    this.zoomButtons = new ZoomButtons(this.zoom, fullScreen.button);
    const title = h("h2", { class: "ik-text", tabindex: "-1" }, STRINGS.compareFiles);
    const close = button({ icon: "close", label: STRINGS.close, kind: "ik-quiet", press: () => this.dialog.close() });
    this.frame.append(
      h("header", { class: "ik-preview-head" }, title, close),
      h("div", { class: "ik-viewer" }, [
        h("div", { class: "ik-sides" }, rows.map((row) => this.createSide(row))),
        this.zoomButtons.element,
      ]),
    );
    this.dialog.addEventListener("keydown", (event) => this.panes[0]?.keyPressed(event) && event.preventDefault());
    this.dialog.addEventListener("close", () => this.closed());
    ui.root.append(this.dialog);
    this.dialog.showModal();
    title.focus();
  }

  /** @param {Row} row */
  createSide(row) {
    const stage = h("div", { class: "ik-stage" }, h("p", { class: "ik-quiet-text" }, STRINGS.loadingPreview));
    const facts = h("span", { class: "ik-quiet-text" }, sizeText(row));
    this.load(row, stage, facts);
    const caption = h("figcaption", {}, h("strong", { class: "ik-text", title: row.name }, row.name), facts);
    return h("figure", { class: "ik-side" }, stage, caption);
  }

  /** @param {Row} row @param {HTMLElement} stage @param {HTMLElement} facts */
  async load(row, stage, facts) {
    const source = await sourceOf(this.ui, row);
    if (source.address) this.addresses.push(source.address);
    if (!this.dialog.isConnected) return this.release();
    const element = mediaElement(row, source, (picture, size) => {
      facts.textContent = [STRINGS.pixels(...size), sizeText(row)].filter(Boolean).join(", ");
      this.panes.push(new ZoomPane(this.zoom, stage, picture, size));
      this.zoomButtons.show(this.panes[0]);
    });
    stage.replaceChildren(element);
  }

  release() {
    for (const address of this.addresses.splice(0)) URL.revokeObjectURL(address);
  }

  closed() {
    this.close();
    this.ui.grid.focus(this.ui.view.active);
  }

  close() {
    this.fullScreen.close();
    for (const pane of this.panes) pane.close();
    this.dialog.remove();
    this.release();
  }
}
