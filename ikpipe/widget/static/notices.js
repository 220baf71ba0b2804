// What the person should know now: a busy kernel, no network, files from before, trouble. And the live regions.

import { button, Ends, h, setText } from "./dom.js";
import { icon } from "./icons.js";
import { adoptOrphans, dismissOrphans, leftIn } from "./orphans.js";
import { anyPlain } from "./sender.js";
import { STRINGS } from "./strings.js";

const SHOWN = 4000; // ms that a passing word is seen

export class Notices {
  constructor(ui) {
    this.ui = ui;
    this.troubles = [];
    this.element = h("div", { class: "ik-notices" });
    this.status = h("div", { class: "ik-toast ik-hidden", role: "status", "aria-live": "polite" });
    this.alert = h("div", { class: "ik-hidden", role: "alert", "aria-live": "assertive" });
    this.ends = new Ends();
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
    if (queue.link.waiting) parts.push(notice("clock", STRINGS.busy));
    if (anyPlain() && queue.posting) parts.push(notice("ready", STRINGS.plain));
    if (queue.orphans.length) parts.push(this.orphanNotice());
    if (parts.length) setText(this.status, parts.map((part) => part.querySelector("p").textContent).join(" "));
    return parts;
  }

  orphanNotice() {
    const { queue } = this.ui;
    const held = queue.orphans.reduce((sum, orphan) => sum + leftIn(orphan), 0);
    return notice("retry", STRINGS.orphans(held), [
      button({ text: STRINGS.goOn, kind: "ik-primary", press: () => adoptOrphans(queue) }),
      button({ text: STRINGS.dismiss, press: () => dismissOrphans(queue) }),
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
