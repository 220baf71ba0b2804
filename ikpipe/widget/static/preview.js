// The preview: one file at a time, with its details.

import { button, Cleanup, h, setText, setButtonText, stepOf } from "./dom.js";
import { copyMenu } from "./copy.js";
import { AreaDrawer, AreaFields, limitArea, parseArea } from "./focus-area.js";
import { factList } from "./file-details.js";
import { familyOf, webAddress } from "./format.js";
import { icon } from "./icons.js";
import { outcome, problemList } from "./problems.js";
import { fileLink, shownState, stateIcon } from "./row-parts.js";
import { isBusy, isNotUploaded, isRetryable, isUploaded } from "./states.js";
import { STRINGS } from "./strings.js";

export class Preview {
  /** @param {Ui} ui @param {string} id */
  constructor(ui, id) {
    this.ui = ui;
    this.id = id;
    /** @type {AreaDrawer | null} */
    this.drawer = null;
    /** @type {[number, number] | null} */
    this.size = null; // of the file's picture, in pixels
    /** @type {Row | null} */
    this.detailedRow = null;
    /** @type {string | null} */
    this.address = null; // of what is shown
    this.cleanup = new Cleanup();
    this.areaFields = new AreaFields((area) => this.setArea(area));
    this.areaProblem = h("div", { class: "ik-problem", hidden: true });
    this.stage = h("div", { class: "ik-stage" });
    this.facts = h("div", { class: "ik-details-part" });
    this.area = h("div", { class: "ik-details-part" });
    this.title = h("h2", { class: "ik-text", tabindex: "-1" });
    this.position = h("span", { class: "ik-quiet-text" });
    this.clearButton = button({ text: STRINGS.clearArea, press: () => this.setArea(null) });
    const details = h("div", { class: "ik-details" }, this.facts, this.area);
    this.dialog = h("dialog", { class: "ik-preview", "aria-label": STRINGS.details }, [
      this.createHeader(),
      h("div", { class: "ik-preview-body" }, this.stage, details),
    ]);
    this.dialog.addEventListener("keydown", (event) => this.keyPressed(event));
    this.dialog.addEventListener("close", () => this.closed());
    ui.root.append(this.dialog);
    this.dialog.showModal();
    ui.notices.moveTo(this.dialog);
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

  /** @param {number} by */
  step(by) {
    const { view } = this.ui;
    const next = view.visible[view.positionOf(this.id) + by];
    if (next !== undefined) this.show(next);
  }

  /** @param {KeyboardEvent} event */
  keyPressed(event) {
    const step = stepOf(event.key, "ArrowLeft", "ArrowRight");
    const { target } = /** @type {On<KeyboardEvent>} */ (event);
    if (!step || target.matches("input, textarea, select, video, audio") || event.altKey) return;
    event.preventDefault();
    this.step(step);
  }

  /** @param {string} id */
  show(id) {
    this.id = id;
    this.releaseAddress();
    this.drawer = null;
    this.size = null;
    this.detailedRow = null;
    this.area.replaceChildren(); // it is filled once, when the picture has loaded, so that it keeps the focus
    this.refresh();
    this.showFile();
  }

  async showFile() {
    const { id } = this;
    const row = this.ui.store.get(id);
    if (!row) return;
    this.stage.replaceChildren(h("p", { class: "ik-quiet-text" }, STRINGS.loadingPreview));
    const { address, pixels } = await this.sourceOf(row);
    if (id !== this.id) {
      if (address) URL.revokeObjectURL(address); // another file is shown by now
      return;
    }
    this.address = address;
    this.stage.replaceChildren(address ? this.createMedia(row, address, pixels) : noPreview(row));
  }

  /**
   * Return the best source: the file itself, its URL, or a picture from the kernel, with the file's size in `pixels`.
   * @param {Row} row @returns {Promise<{address: string | null, pixels?: [number, number]}>}
   */
  async sourceOf(row) {
    const file = this.ui.queue.files.get(row.id)?.file;
    if (file) return { address: URL.createObjectURL(file) };
    if (row.source === "url") return { address: webAddress(row.href) };
    if (row.source === "browser") return { address: isUploaded(row) ? webAddress(row.result?.url) : null };
    if (familyOf(row) !== "image" && familyOf(row) !== "video") return { address: null };
    return this.ui.thumbnails.request(row.id, "large");
  }

  /** @param {Row} row @param {string} src @param {[number, number] | undefined} pixels */
  createMedia(row, src, pixels) {
    const family = familyOf(row);
    const onerror = () => this.stage.replaceChildren(noPreview(row));
    if (family === "video" || family === "audio") return h(family, { src, controls: true, onerror });
    if (family === "other" && row.kind) return noPreview(row);
    const image = h("img", { src, alt: row.description || row.name, referrerpolicy: "no-referrer", onerror });
    const picture = h("div", { class: "ik-picture" }, image);
    image.addEventListener("load", () => {
      this.size = pixels || [image.naturalWidth, image.naturalHeight]; // the kernel's picture is a smaller one
      this.drawer = new AreaDrawer(picture, this.size, (area) => this.setArea(area));
      this.area.replaceChildren(this.createAreaEditor(this.drawer));
      this.refresh(true);
    });
    return picture;
  }

  /** Set the focus area, as far as it is in the picture; one outside is not taken. @param {Rect | null} area */
  setArea(area) {
    const size = this.size && STRINGS.pixels(...this.size);
    const limited = area && this.size ? limitArea(area, this.size) : area;
    if (area && !limited) {
      this.ui.announce(STRINGS.areaOutside(size), { visible: true });
      this.areaFields.show(parseArea(this.ui.store.get(this.id)?.coordinates));
      return;
    }
    if (String(area) !== String(limited)) this.ui.announce(STRINGS.areaClamped(size), { visible: true });
    this.areaFields.show(limited);
    this.ui.queue.edit([this.id], "custom_coordinates", limited ? limited.join(",") : null);
  }

  /** Say that a row's area is larger than its picture. @param {Rect | null} area */
  showAreaProblem(area) {
    const tooLarge = Boolean(area && this.size && String(limitArea(area, this.size)) !== String(area));
    this.areaProblem.hidden = !tooLarge;
    if (!tooLarge || !this.size) return;
    const press = () => this.setArea(area && this.size && limitArea(area, this.size));
    this.areaProblem.replaceChildren(
      icon("warn"),
      h("span", {}, STRINGS.areaTooLarge(STRINGS.pixels(...this.size))),
      button({ text: STRINGS.limitArea, press }),
    );
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
    const area = parseArea(row.coordinates);
    this.areaFields.show(area);
    this.drawer?.show(area);
    this.showAreaProblem(area);
    this.area.hidden = !this.drawer || isBusy(row) || isUploaded(row);
    this.clearButton.hidden = !area;
    if (always || this.detailedRow !== row) this.facts.replaceChildren(...this.createDetails(row));
    this.detailedRow = row;
  }

  /** @param {Row} row */
  createDetails(row) {
    const state = shownState(this.ui.store, row);
    /** @type {HTMLElement[]} */
    const parts = [h("p", { class: "ik-state" }, stateIcon(state), STRINGS.states[state]), factList(row, this.size)];
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

  /** @param {AreaDrawer} drawer */
  createAreaEditor(drawer) {
    const press = () => {
      const on = toggle.getAttribute("aria-pressed") !== "true";
      toggle.setAttribute("aria-pressed", String(on));
      setButtonText(toggle, on ? STRINGS.stopDrawing : STRINGS.drawArea);
      drawer.setDrawing(on);
    };
    const toggle = button({ icon: "area", text: STRINGS.drawArea, press, "aria-pressed": "false" });
    return h("fieldset", { class: "ik-area-edit" }, [
      h("legend", {}, STRINGS.focusArea),
      h("p", { class: "ik-quiet-text" }, STRINGS.drawHint),
      this.areaProblem,
      this.areaFields.element,
      h("div", { class: "ik-buttons" }, toggle, this.clearButton),
    ]);
  }

  releaseAddress() {
    if (this.address) URL.revokeObjectURL(this.address);
    this.address = null;
  }

  closed() {
    const { id, ui } = this;
    ui.notices.moveTo(ui.frame);
    this.close();
    ui.grid.focus(id);
  }

  close() {
    this.id = ""; // an answer that comes later is ignored
    this.releaseAddress();
    this.cleanup.run();
    this.dialog.remove();
  }
}

/** @param {Row} row */
function noPreview(row) {
  return h("div", { class: "ik-no-preview" }, icon(familyOf(row)), h("p", {}, STRINGS.noPreview));
}
