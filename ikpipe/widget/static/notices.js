// What the person should know now: a busy kernel, no network, files from before, trouble. And the live regions.

import { button, Cleanup, h, setText } from "./dom.js";
import { icon } from "./icons.js";
import { anyPlain } from "./posts.js";
import { STRINGS } from "./strings.js";
import { resumeUnfinished, discardUnfinished, countUnfinished } from "./unfinished.js";

const SHOWN = 4000; // ms that a passing word is seen

export class Notices {
  constructor(ui) {
    this.ui = ui;
    this.troubles = [];
    this.element = h("div", { class: "ik-notices" });
    this.status = h("div", { class: "ik-toast ik-hidden", role: "status", "aria-live": "polite" });
    this.alert = h("div", { class: "ik-hidden", role: "alert", "aria-live": "assertive" });
    this.ends = new Cleanup();
    this.ends.add(ui.queue.on("notices", () => this.update()));
    this.ends.add(ui.queue.on("trouble", (text) => this.trouble(text)));
    this.ends.add(ui.queue.on("say", (text) => this.say(text)));
    this.ends.listen(window, "online", () => this.update());
    this.ends.listen(window, "offline", () => this.update());
    this.update();
  }

  /** Move the live regions: beside an open dialogue, nothing is seen or heard. */
  moveTo(place) {
    place.append(this.status, this.alert);
  }

  get place() {
    return this.status.parentNode;
  }

  /** Say a passing word to screen readers, and where `shown`, to the eye. */
  say(text, { shown = false } = {}) {
    this.status.textContent = text;
    this.status.classList.toggle("ik-hidden", !shown);
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.status.classList.add("ik-hidden"), SHOWN);
  }

  trouble(text) {
    this.troubles = [...this.troubles.filter((one) => one !== text), text].slice(-3);
    setText(this.alert, text);
    this.update();
  }

  update() {
    const parts = [...this.states(), ...this.troubles.map((text) => this.troubleNotice(text))];
    const words = parts.map((part) => part.textContent).join("\n");
    if (this.words === words) return;
    this.words = words;
    this.element.replaceChildren(...parts);
  }

  states() {
    const { queue } = this.ui;
    const parts = [];
    if (!navigator.onLine) parts.push(notice("offline", STRINGS.offline));
    if (queue.kernel.waiting) parts.push(notice("clock", STRINGS.busy));
    if (anyPlain() && queue.posting) parts.push(notice("ready", STRINGS.plain));
    if (queue.unfinished.length) parts.push(this.unfinishedNotice());
    if (parts.length) setText(this.status, parts.map((part) => part.querySelector("p").textContent).join(" "));
    return parts;
  }

  unfinishedNotice() {
    const { queue } = this.ui;
    const held = queue.unfinished.reduce((sum, orphan) => sum + countUnfinished(orphan), 0);
    return notice("retry", STRINGS.unfinished(held), [
      button({ text: STRINGS.goOn, kind: "ik-primary", press: () => resumeUnfinished(queue) }),
      button({ text: STRINGS.dismiss, press: () => discardUnfinished(queue) }),
    ]);
  }

  troubleNotice(text) {
    const dismiss = () => {
      this.troubles = this.troubles.filter((one) => one !== text);
      this.update();
      this.ui.root.focus();
    };
    return notice(
      "bad",
      text,
      [button({ sign: "close", label: STRINGS.dismiss, kind: "ik-quiet", press: dismiss })],
      "ik-trouble",
    );
  }

  close() {
    clearTimeout(this.timer);
    this.ends.all();
  }
}

function notice(sign, text, buttons = [], kind = "") {
  return h("div", { class: `ik-notice ${kind}` }, icon(sign), h("p", {}, text), buttons);
}
