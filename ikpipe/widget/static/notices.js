// What the user must know now: a busy kernel, no network, unfinished files, errors. Screen readers hear it, too.

import { button, h, setText } from "./dom.js";
import { icon } from "./icons.js";
import { anyWithoutProgress } from "./posts.js";
import { detailsOf } from "./problems.js";
import { isEditable } from "./states.js";
import { STRINGS } from "./strings.js";
import { countUnfinished, discardUnfinished, isSameKernel, resumeUnfinished } from "./unfinished.js";

const TOAST_TIME = 4000; // ms
const ACTION_TIME = 10000; // ms in which what was done can be undone by a button
const MAX_TROUBLES = 3;

/**
 * @typedef {object} Offer A notice with a button; it goes away once no row that it is about can be changed.
 * @property {string} icon
 * @property {string} text
 * @property {string} action
 * @property {() => void} press
 * @property {() => void} [undo] what a second button does
 * @property {string[]} [ids]
 */

export class Notices {
  /** @param {Ui} ui */
  constructor(ui) {
    this.ui = ui;
    /** @type {string[]} */
    this.troubles = [];
    /** @type {Offer[]} */
    this.offers = [];
    /** @type {Map<string, string>} */
    this.details = new Map(); // of troubles
    this.words = ""; // what the notices say
    this.element = h("div", { class: "ik-notices", "aria-live": "polite" });
    this.status = h("div", { class: "ik-toast ik-hidden", role: "status", "aria-live": "polite" });
    this.alert = h("div", { class: "ik-hidden", role: "alert", "aria-live": "assertive" });
    ui.cleanup.add(
      ui.queue.on("notices", () => this.update()),
      ui.queue.on("trouble", (text, details) => this.addTrouble(text, details)),
      ui.queue.on("offer", (offer) => this.addOffer(offer)),
      ui.queue.on("announce", (text, options) => this.announce(text, options)),
      ui.store.on("rows", () => this.update()),
      () => clearTimeout(this.timer),
    );
    ui.cleanup.listen(window, "online", () => this.update());
    ui.cleanup.listen(window, "offline", () => this.update());
    this.update();
  }

  /**
   * Move the live regions: outside an open dialog, they are neither visible nor read out.
   * @param {HTMLElement} place
   */
  moveTo(place) {
    place.append(this.status, this.alert);
  }

  /** The element that the live regions are in. */
  get place() {
    return this.status.parentNode ?? this.ui.root;
  }

  /**
   * Tell screen readers something, and show it for a while if it is to be visible.
   * @param {string} text @param {Announcement} options
   */
  announce(text, { visible = false, action } = {}) {
    this.status.textContent = text;
    if (action) this.status.append(button({ text: action.text, kind: "ik-action", press: action.press }));
    this.status.classList.toggle("ik-hidden", !visible);
    this.hideLater(action ? ACTION_TIME : TOAST_TIME);
  }

  /** Hide the toast, but not while the pointer or the focus is on its button. @param {number} delay ms */
  hideLater(delay) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      if (this.status.querySelector(":hover, :focus")) return this.hideLater(TOAST_TIME);
      this.hide();
    }, delay);
  }

  /** Hide the toast. */
  hide() {
    clearTimeout(this.timer);
    this.status.classList.add("ik-hidden");
    this.status.querySelector("button")?.remove();
  }

  /** @param {Offer} offer */
  addOffer(offer) {
    this.offers = [...this.offers.filter(({ text }) => text !== offer.text), offer];
    this.announce(offer.text);
    this.words = " "; // the button of the same text can be another
    this.update();
  }

  /** @param {Offer} offer */
  offerNotice(offer) {
    const dismiss = () => {
      this.offers = this.offers.filter((other) => other !== offer);
      this.update();
      this.ui.root.focus({ preventScroll: true });
    };
    /** @param {string} text @param {() => void} press */
    const action = (text, press) => button({ text, press: () => (dismiss(), press()) });
    const close = button({ icon: "close", label: STRINGS.dismiss, kind: "ik-quiet", press: dismiss });
    const undo = offer.undo ? [action(STRINGS.undo, offer.undo)] : [];
    return notice(offer.icon, offer.text, [action(offer.action, offer.press), ...undo, close]);
  }

  /** @param {string} text @param {string} [details] what Python reported in its own words */
  addTrouble(text, details) {
    if (details) this.details.set(text, details);
    this.troubles = [...this.troubles.filter((other) => other !== text), text].slice(-MAX_TROUBLES);
    setText(this.alert, text);
    this.update();
  }

  update() {
    this.offers = this.offers.filter(({ ids }) => !ids || this.ui.store.all(ids).some(isEditable));
    const parts = [
      ...this.stateNotices(),
      ...this.troubles.map((text) => this.troubleNotice(text)),
      ...this.offers.map((offer) => this.offerNotice(offer)),
    ];
    const words = parts.map((part) => part.textContent).join("\n");
    if (this.words === words) return;
    this.words = words;
    this.element.replaceChildren(...parts);
  }

  stateNotices() {
    const { queue } = this.ui;
    const parts = [];
    if (!navigator.onLine) parts.push(notice("offline", STRINGS.offline));
    const { state } = queue.connection;
    if (state !== "ready") parts.push(notice(queue.connection.isGone ? "warn" : "clock", STRINGS.connection[state]));
    if (anyWithoutProgress() && queue.isUploading) parts.push(notice("ready", STRINGS.noProgress));
    if (queue.unfinished.length) parts.push(this.unfinishedNotice());
    const missing = queue.missing.count;
    if (missing && !queue.connection.isGone) parts.push(this.missingNotice(missing));
    if (queue.waitingRows.files) parts.push(this.waitingNotice(queue.waitingRows));
    return parts;
  }

  unfinishedNotice() {
    const { queue } = this.ui;
    const files = queue.unfinished.reduce((sum, old) => sum + countUnfinished(old), 0);
    const text = queue.unfinished.some((other) => isSameKernel(other, queue)) ? STRINGS.rerun : STRINGS.unfinished;
    return notice("retry", text(files), [
      button({ text: STRINGS.resume, kind: "ik-primary", press: () => resumeUnfinished(queue) }),
      button({ text: STRINGS.discard, press: () => discardUnfinished(queue) }),
    ]);
  }

  /** @param {number} n */
  missingNotice(n) {
    const { picker } = this.ui;
    const { handles } = this.ui.queue;
    const unlock = button({ text: STRINGS.allowAccess, kind: "ik-primary", press: () => handles.unlock() });
    return notice("question", STRINGS.missing(n), [
      ...(handles.locked.length ? [unlock] : []),
      button({ text: STRINGS.chooseAgain, kind: "ik-primary", press: () => picker.chooseAgain() }),
      button({ text: STRINGS.chooseFolderAgain, press: () => picker.chooseFolderAgain() }),
    ]);
  }

  /** @param {import("./waiting-rows.js").WaitingRows} rows */
  waitingNotice(rows) {
    const { picker } = this.ui;
    return notice("table", STRINGS.dropped.waiting(rows.files, rows.names.join(", ")), [
      button({ text: STRINGS.dropped.chooseFiles, kind: "ik-primary", press: () => picker.chooseFiles() }),
      button({ text: STRINGS.chooseFolderAgain, press: () => picker.chooseFolder() }),
      button({ icon: "close", label: STRINGS.dismiss, kind: "ik-quiet", press: () => rows.forget() }),
    ]);
  }

  /** @param {string} text */
  troubleNotice(text) {
    const press = () => {
      this.troubles = this.troubles.filter((other) => other !== text);
      this.update();
      this.ui.root.focus();
    };
    const dismiss = button({ icon: "close", label: STRINGS.dismiss, kind: "ik-quiet", press });
    const element = notice("bad", text, [dismiss], "ik-trouble");
    element.querySelector("p")?.append(detailsOf(this.details.get(text)) ?? "");
    return element;
  }
}

/** @param {string} iconName @param {string} text @param {HTMLElement[]} buttons */
function notice(iconName, text, buttons = [], kind = "") {
  const end = buttons.length ? h("div", { class: "ik-notice-buttons" }, buttons) : "";
  return h("div", { class: `ik-notice ${kind}` }, icon(iconName), h("p", {}, text), end);
}
