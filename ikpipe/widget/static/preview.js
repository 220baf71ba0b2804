// The preview: one file at a time, with its details.

import { AreaEditor } from "./area-editor.js";
import { activeElement, button, Cleanup, h, setText, stepOf } from "./dom.js";
import { copyMenu } from "./copy.js";
import { factList } from "./file-details.js";
import { FullScreen } from "./full-screen.js";
import { mediaElement, sourceOf } from "./media.js";
import { PreviewFields } from "./preview-fields.js";
import { PicturePart } from "./picture-part.js";
import { outcome, problemList } from "./problems.js";
import { fileLink, shownState, stateIcon } from "./row-parts.js";
import { isBusy, isNotUploaded, isRetryable, isUploaded } from "./states.js";
import { STRINGS } from "./strings.js";
import { Zoom, ZoomButtons, ZoomPane } from "./zoom.js";

export class Preview {
  /** @param {Ui} ui @param {string} id */
  constructor(ui, id) {
    this.ui = ui;
    this.id = id;
    /** @type {AreaEditor | null} */
    this.area = null;
    /** @type {[number, number] | null} */
    this.size = null; // of the file's picture, in pixels
    /** @type {Row | null} */
    this.detailedRow = null;
    /** @type {string | null} */
    this.address = null; // of what is shown
    this.cleanup = new Cleanup();
    this.zoom = new Zoom();
    /** @type {ZoomPane | null} */
    this.pane = null;
    this.fields = new PreviewFields(ui);
    this.picture = new PicturePart(ui, (editor) => this.showEditor(editor));
    this.stage = h("div", { class: "ik-stage" });
    this.facts = h("div", { class: "ik-details-part" });
    this.areaPart = h("div", { class: "ik-details-part" });
    this.title = h("h2", { class: "ik-text", tabindex: "-1" });
    this.position = h("span", { class: "ik-quiet-text" });
    this.details = h("div", { class: "ik-details" }, [
      this.facts,
      this.picture.element,
      this.fields.element,
      this.areaPart,
    ]);
    this.frame = h("div", { class: "ik-preview-frame" });
    this.dialog = h("dialog", { class: "ik-preview", "aria-label": STRINGS.details }, this.frame);
    this.fullScreen = new FullScreen(this.frame, this.dialog);
    this.zoomButtons = new ZoomButtons(this.zoom, this.fullScreen.button);
    this.frame.append(
      this.createHeader(),
      h("div", { class: "ik-preview-body" }, [
        h("div", { class: "ik-viewer" }, this.stage, this.zoomButtons.element),
        (this.side = h("div", { class: "ik-preview-side" }, this.details)),
      ]),
    );
    this.dialog.addEventListener("keydown", (event) => this.keyPressed(event));
    this.dialog.addEventListener("close", () => this.closed());
    ui.root.append(this.dialog);
    this.dialog.showModal();
    ui.notices.hide(); // it would lie over the fields
    ui.notices.moveTo(this.frame);
    this.cleanup.add(ui.view.on("rows", (changed) => changed.has(this.id) && this.refresh()));
    this.show(id);
    this.title.focus();
  }

  createHeader() {
    /** @param {string} iconName @param {string} label @param {() => void} press */
    const make = (iconName, label, press) => button({ icon: iconName, label, kind: "ik-quiet", press });
    return h("header", { class: "ik-preview-head" }, this.title, this.position, [
      make("left", STRINGS.previous, () => this.step(-1)),
      make("right", STRINGS.next, () => this.step(1)),
      make("close", STRINGS.close, () => this.dialog.close()),
    ]);
  }

  /** Show another file; what was typed is saved, and the focus stays in its field. @param {number} by */
  step(by) {
    const { view } = this.ui;
    const next = view.visible[view.positionOf(this.id) + by];
    this.fields.save();
    if (next === undefined) return;
    this.picture.leave();
    this.show(next);
  }

  /** @param {KeyboardEvent} event */
  keyPressed(event) {
    const { target } = /** @type {On<KeyboardEvent>} */ (event);
    const typing = target.matches("input, textarea, select, video, audio");
    if (event.key === "Escape" && this.escape(typing)) event.preventDefault();
    if (event.altKey || event.ctrlKey || event.metaKey || event.defaultPrevented) return;
    const arrows = typing || event.shiftKey ? 0 : stepOf(event.key, "ArrowLeft", "ArrowRight");
    const step = stepOf(event.key, "PageUp", "PageDown") || arrows;
    if (step) this.step(step);
    else if (typing || !this.pane?.keyPressed(event)) return;
    event.preventDefault();
  }

  /** Take back what is not saved yet, and return whether there was anything; else the dialog closes. @param {boolean} typing */
  escape(typing) {
    if (!this.picture.editor) return typing && this.fields.revert();
    this.picture.close();
    return true;
  }

  /** @param {string} id */
  show(id) {
    this.id = id;
    if (!this.details.isConnected) this.side.replaceChildren(this.details); // the focus in it would be lost
    this.clearStage();
    this.detailedRow = null;
    this.refresh();
    this.showFile();
  }

  /** Forget the picture that was shown, with its zoom and its area. */
  clearStage() {
    this.releaseAddress();
    this.pane?.close();
    this.pane = null;
    this.zoom.fit();
    this.zoomButtons.show(null);
    this.area = null;
    this.size = null;
    this.areaPart.replaceChildren(); // it is filled once, when the picture has loaded, so that it keeps the focus
  }

  async showFile() {
    const { id } = this;
    const row = this.ui.store.get(id);
    if (!row) return;
    this.stage.replaceChildren(h("p", { class: "ik-quiet-text" }, STRINGS.loadingPreview));
    const source = await sourceOf(this.ui, row);
    if (id !== this.id) {
      if (source.address) URL.revokeObjectURL(source.address); // another file is shown by now
      return;
    }
    this.address = source.address;
    this.stage.replaceChildren(mediaElement(row, source, (picture, size) => this.showPicture(picture, size)));
  }

  /** Let the user zoom and choose the area of a picture that has loaded. @type {import("./media.js").OnPicture} */
  showPicture(picture, size) {
    if (!picture.isConnected) return;
    this.size = size;
    this.pane = new ZoomPane(this.zoom, this.stage, picture, size);
    this.zoomButtons.show(this.pane);
    this.area = new AreaEditor(this.ui, this.id, picture, size);
    this.areaPart.replaceChildren(this.area.element);
    this.refresh(true);
  }

  /**
   * Show the editor of the picture instead of the picture and its details, or these again.
   * @param {import("./picture-editor.js").PictureEditor | null} editor
   */
  showEditor(editor) {
    if (!editor) {
      this.show(this.id);
      this.picture.editButton.focus();
      return;
    }
    this.clearStage();
    this.stage.replaceChildren(editor.picture);
    this.side.replaceChildren(editor.element);
    editor.onDrawn = (picture, size) => {
      this.pane?.close();
      this.zoom.fit();
      this.pane = new ZoomPane(this.zoom, this.stage, picture, size);
      this.zoomButtons.show(this.pane);
    };
  }

  /** Show the picture again if it was edited, also by undo. @param {Row} row */
  refreshPicture(row) {
    const before = this.detailedRow?.picture;
    if (this.detailedRow && JSON.stringify(before) !== JSON.stringify(row.picture) && !this.picture.editor) {
      this.clearStage();
      this.showFile();
    }
    this.picture.show(row);
  }

  /** Show the row's details, if they have changed or in any case. @param {boolean} always */
  refresh(always = false) {
    const { view, store } = this.ui;
    const row = store.get(this.id);
    if (!row) {
      this.dialog.close();
      return;
    }
    setText(this.title, row.name);
    setText(this.position, STRINGS.position(view.positionOf(this.id) + 1, view.visible.length));
    this.refreshPicture(row);
    this.fields.show(row);
    const { element } = this.fields;
    if (element.hidden && element.contains(activeElement(element))) this.title.focus();
    this.area?.show(row);
    if (always || this.detailedRow !== row) this.facts.replaceChildren(...this.createDetails(row));
    this.detailedRow = row;
  }

  /** @param {Row} row */
  createDetails(row) {
    const state = shownState(this.ui.store, row);
    /** @type {HTMLElement[]} */
    const parts = [h("p", { class: "ik-state" }, stateIcon(state), STRINGS.states[state])];
    parts.push(factList(row, this.size, !this.fields.element.hidden));
    if (row.problems?.length) parts.push(problemList(this.ui.queue, row));
    if (isNotUploaded(row)) parts.push(outcome(row));
    const actions = this.createActions(row);
    if (actions.length) parts.push(h("div", { class: "ik-buttons" }, actions));
    return parts;
  }

  /** @param {Row} row */
  createActions(row) {
    const { ui } = this;
    if (isUploaded(row) && row.result?.url) {
      /** @param {On<Event>} event */
      const press = (event) => copyMenu(ui, [row], event.currentTarget);
      const link = fileLink(row.result.url, { class: "ik-button" }, STRINGS.openUrl);
      return [link, button({ icon: "copy", text: STRINGS.copy, press })];
    }
    if (isBusy(row)) return [button({ icon: "close", text: STRINGS.cancel, press: () => ui.queue.cancel([row.id]) })];
    if (isRetryable(row))
      return [button({ icon: "retry", text: STRINGS.retry, press: () => ui.queue.retry([row.id]) })];
    return [];
  }

  releaseAddress() {
    if (this.address) URL.revokeObjectURL(this.address);
    this.address = null;
  }

  closed() {
    const { id, ui } = this;
    ui.notices.moveTo(ui.frame);
    this.fields.save();
    this.picture.leave();
    this.close();
    ui.grid.focus(id);
  }

  close() {
    this.id = ""; // an answer that comes later is ignored
    this.fullScreen.close();
    this.pane?.close();
    this.releaseAddress();
    this.cleanup.run();
    this.dialog.remove();
  }
}
