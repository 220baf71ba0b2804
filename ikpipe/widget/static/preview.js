// The large preview: one file after the other, with all that is known of it.

import { copyMenu } from "./copy.js";
import { button, Cleanup, h, setText } from "./dom.js";
import { AreaDrawer, AreaFields, parseArea } from "./focus-area.js";
import { familyOf, kindText } from "./format.js";
import { icon } from "./icons.js";
import { outcome, problemList } from "./problems.js";
import { folderText, shownState, sizeText, webAddress } from "./row-parts.js";
import { isBusy, isDown, isUp } from "./states.js";
import { STRINGS } from "./strings.js";
import { stateSign } from "./table.js";

export class Preview {
  constructor(ui, id) {
    this.ui = ui;
    this.id = id;
    this.ends = new Cleanup();
    this.stage = h("div", { class: "ik-stage" });
    this.facts = h("div", { class: "ik-details-part" });
    this.area = h("div", { class: "ik-details-part" });
    this.details = h("div", { class: "ik-details" }, this.facts, this.area);
    this.title = h("h2", { class: "ik-text", tabindex: "-1" });
    this.placeText = h("span", { class: "ik-quiet-text" });
    this.dialog = h("dialog", { class: "ik-preview", "aria-label": STRINGS.details }, [
      this.head(),
      h("div", { class: "ik-preview-body" }, this.stage, this.details),
    ]);
    this.dialog.addEventListener("keydown", (event) => this.pressed(event));
    this.dialog.addEventListener("close", () => this.closed());
    ui.root.append(this.dialog);
    this.dialog.showModal();
    ui.notices.moveTo(this.dialog);
    this.ends.add(ui.view.on("rows", (changed) => changed.has(this.id) && this.refresh()));
    this.show(id);
    this.title.focus();
  }

  head() {
    const previous = button({ sign: "left", label: STRINGS.previous, kind: "ik-quiet", press: () => this.step(-1) });
    const next = button({ sign: "right", label: STRINGS.next, kind: "ik-quiet", press: () => this.step(1) });
    const close = button({ sign: "close", label: STRINGS.close, kind: "ik-quiet", press: () => this.dialog.close() });
    return h("header", { class: "ik-preview-head" }, this.title, this.placeText, previous, next, close);
  }

  get row() {
    return this.ui.store.get(this.id);
  }

  step(by) {
    const { view } = this.ui;
    const next = view.visible[view.placeOf(this.id) + by];
    if (next !== undefined) this.show(next);
  }

  pressed(event) {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!step || event.target.matches("input, textarea, select, video, audio") || event.altKey) return;
    event.preventDefault();
    this.step(step);
  }

  show(id) {
    this.id = id;
    this.letGo();
    this.drawer = null;
    this.size = null;
    this.shownDetails = null;
    this.fields = new AreaFields((area) => this.setArea(area));
    this.area.replaceChildren(); // it comes with the picture, and stays: what has the focus keeps it
    this.refresh();
    this.showFile();
  }

  async showFile() {
    const { id, row } = this;
    this.stage.replaceChildren(h("p", { class: "ik-quiet-text" }, STRINGS.loadingPreview));
    const { address, pixels } = await this.sourceOf(row);
    if (id !== this.id) {
      if (address) URL.revokeObjectURL(address); // the person has gone on
      return;
    }
    Object.assign(this, { address, pixels });
    this.stage.replaceChildren(address ? this.mediaOf(row, address) : this.signOf(row));
  }

  /** Find the best that can be shown: the file here, its address, or what the kernel gives. */
  async sourceOf(row) {
    const file = this.ui.queue.files.get(row.id)?.file;
    if (file) return { address: URL.createObjectURL(file) };
    if (row.source === "url") return { address: webAddress(row.href) };
    if (row.source === "browser") return { address: isUp(row) ? webAddress(row.result?.url) : null };
    if (familyOf(row) !== "image" && familyOf(row) !== "video") return { address: null };
    return this.ui.thumbnails.ask(row.id, "large");
  }

  mediaOf(row, source) {
    const family = familyOf(row);
    const fail = () => this.stage.replaceChildren(this.signOf(row));
    if (family === "video" || family === "audio") return h(family, { src: source, controls: true, onerror: fail });
    if (family === "other" && row.kind) return this.signOf(row);
    const picture = h("div", { class: "ik-picture" });
    const image = h("img", {
      src: source,
      alt: row.description || row.name,
      referrerpolicy: "no-referrer",
      onerror: fail,
    });
    image.addEventListener("load", () => this.loaded(picture, image));
    picture.append(image);
    return picture;
  }

  signOf(row) {
    return h("div", { class: "ik-no-preview" }, icon(familyOf(row)), h("p", {}, STRINGS.noPreview));
  }

  loaded(picture, image) {
    this.size = this.pixels || [image.naturalWidth, image.naturalHeight]; // the kernel's are smaller than the file's
    this.drawer = new AreaDrawer(picture, this.size, (area) => this.setArea(area));
    this.area.replaceChildren(this.areaEditor());
    this.refresh(true);
  }

  setArea(area) {
    this.ui.queue.edit([this.id], "custom_coordinates", area ? area.join(",") : null);
  }

  /** Say what is known of the file, again where it has changed. */
  refresh(forced = false) {
    const { row, ui } = this;
    if (!row) {
      this.dialog.close();
      return;
    }
    setText(this.title, row.name);
    setText(this.placeText, STRINGS.place(ui.view.placeOf(this.id) + 1, ui.view.visible.length));
    const area = parseArea(row.coordinates);
    this.fields.show(area);
    this.drawer?.show(area);
    this.area.hidden = !this.drawer || isBusy(row) || isUp(row);
    if (this.clear) this.clear.hidden = !area;
    if (forced || this.shownDetails !== row) this.facts.replaceChildren(...this.detailsOf(row));
    this.shownDetails = row;
  }

  detailsOf(row) {
    const parts = [this.stateOf(row), this.factsOf(row)];
    if (row.problems?.length) parts.push(problemList(this.ui.queue, row));
    if (isDown(row)) parts.push(outcome(row));
    const actions = this.actionsOf(row);
    return actions.length ? [...parts, h("div", { class: "ik-buttons" }, actions)] : parts;
  }

  stateOf(row) {
    const state = shownState(this.ui.store, row);
    return h("p", { class: "ik-state" }, stateSign(state), STRINGS.states[state]);
  }

  factsOf(row) {
    const facts = [
      [STRINGS.columns.folder, row.result?.path || folderText(row)],
      [STRINGS.columns.kind, [kindText(row), this.size && STRINGS.pixels(...this.size)].filter(Boolean).join(", ")],
      [STRINGS.columns.size, sizeText(row)],
      [STRINGS.columns.tags, (row.tags || []).join(", ")],
    ].filter(([, text]) => text);
    return h(
      "dl",
      { class: "ik-facts" },
      facts.map(([name, text]) => h("div", {}, h("dt", {}, name), h("dd", {}, text))),
    );
  }

  actionsOf(row) {
    const { ui } = this;
    if (isUp(row) && row.result?.url) {
      const visit = h("a", {
        class: "ik-button",
        href: webAddress(row.result.url),
        target: "_blank",
        rel: "noopener noreferrer",
      });
      visit.append(icon("visit"), STRINGS.visit);
      return [
        visit,
        button({ sign: "copy", text: STRINGS.copy, press: (event) => copyMenu(ui, [row], event.currentTarget) }),
      ];
    }
    if (isBusy(row)) return [button({ sign: "close", text: STRINGS.cancel, press: () => ui.queue.cancel([row.id]) })];
    if (isDown(row)) return [button({ sign: "retry", text: STRINGS.retry, press: () => ui.queue.retry([row.id]) })];
    return [];
  }

  areaEditor() {
    const draw = button({ sign: "area", text: STRINGS.draw, press: () => this.draw(draw), "aria-pressed": "false" });
    this.clear = button({ text: STRINGS.clearArea, press: () => this.setArea(null) });
    return h("fieldset", { class: "ik-area-edit" }, [
      h("legend", {}, STRINGS.focusArea),
      h("p", { class: "ik-quiet-text" }, STRINGS.drawHint),
      this.fields.element,
      h("div", { class: "ik-buttons" }, draw, this.clear),
    ]);
  }

  draw(toggle) {
    const on = toggle.getAttribute("aria-pressed") !== "true";
    toggle.setAttribute("aria-pressed", String(on));
    setText(toggle.querySelector(".ik-word"), on ? STRINGS.drawStop : STRINGS.draw);
    this.drawer.drawing = on;
  }

  letGo() {
    if (this.address) URL.revokeObjectURL(this.address);
    this.address = null;
  }

  closed() {
    const { id, ui } = this;
    ui.notices.moveTo(ui.frame);
    this.end();
    ui.grid.focus(id);
  }

  end() {
    this.id = null; // what is still to come, comes too late
    this.letGo();
    this.ends.all();
    this.dialog.remove();
  }
}
