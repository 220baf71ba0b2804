// The way to the kernel and back. A notebook may hold a message up behind a running cell, and let a later one pass: so
// messages are numbered, the kernel takes each in once and in its order, and what it did not take is said again.

import { EventEmitter } from "./dom.js";

const PATIENCE = 2000; // ms without an answer, after which the widget says so
const LONGEST_PATIENCE = 30000; // ms between two questions whether it answers now
const SOON = 250; // ms in which a message that was on its way may still arrive

export class Kernel extends EventEmitter {
  constructor(model) {
    super();
    this.model = model;
    this.line = Math.random().toString(36).slice(2);
    this.at = 0; // number of the last message
    this.kept = []; // messages that the kernel has not said to have taken in
    this.asked = new Map();
    this.pings = 0;
    this.pinged = 0; // number of the ping that is under way; 0 is none
    this.waiting = false;
    this.again = null; // the time when what was not taken is said again
    this.hear = (message, buffers) => this.receive(message, buffers || []);
    model.on("msg:custom", this.hear);
  }

  /** Send a message without waiting for anything; it may get lost. */
  tell(message) {
    try {
      this.model.send(message);
    } catch (error) {
      console.warn("ikpipe: the kernel cannot be reached", error);
    }
  }

  /** Send a message that the kernel is to take in: it is followed by a ping, whose answer says whether it did. */
  say(message) {
    const numbered = { ...message, line: this.line, at: ++this.at };
    this.kept.push(numbered);
    this.tell(numbered);
    this.ping();
  }

  /** Send a message and give the answer to it. Where only a refusal is `answered`, "taken" is the answer. */
  ask(message, { answered = true } = {}) {
    const at = this.at + 1;
    const request = `${this.line}-${at}`;
    const answer = new Promise((resolve, reject) => this.asked.set(request, { at, answered, resolve, reject }));
    this.say({ ...message, request });
    return answer;
  }

  ping() {
    if (this.pinged) return; // what was said meanwhile is asked for when its answer is there
    this.pinged = ++this.pings;
    this.question(PATIENCE);
  }

  /** Ask how far the kernel is, and again while it is silent: another way may be open by then. */
  question(patience) {
    this.tell({ type: "ping", n: this.pinged, line: this.line, at: this.at });
    this.timer = setTimeout(() => {
      this.setWaiting(true);
      this.question(Math.min(2 * patience, LONGEST_PATIENCE));
    }, patience);
  }

  receive(message, buffers) {
    if (!message || typeof message.type !== "string") return;
    if (message.type === "pong") this.receivePong(message);
    const asked = this.asked.get(message.request);
    this.asked.delete(message.request);
    if (asked) {
      if (message.type === "error") asked.reject(new Error(message.message));
      else asked.resolve(message);
    }
    if (message.type !== "error" || !asked) this.emit(message.type, message, buffers);
  }

  receivePong({ line, n, at, taken }) {
    if (line !== this.line) return; // another page's
    this.kept = this.kept.filter((one) => one.at > taken);
    this.settle(taken);
    if (n !== this.pinged) return;
    clearTimeout(this.timer);
    this.pinged = 0;
    this.setWaiting(false);
    this.emit("answer", n);
    if (taken < at) this.again ??= setTimeout(() => this.sayAgain(), SOON);
    else if (this.kept.length) this.ping();
  }

  sayAgain() {
    this.again = null;
    for (const one of this.kept) this.tell(one);
    this.ping();
  }

  settle(taken) {
    for (const [request, { at, answered, resolve }] of this.asked) {
      if (answered || at > taken) continue;
      this.asked.delete(request);
      resolve(null);
    }
  }

  setWaiting(waiting) {
    if (waiting === this.waiting) return;
    this.waiting = waiting;
    this.emit("waiting", waiting);
  }

  /** Tell whether the kernel answers, within the time after which we call it busy. */
  async answers() {
    this.ping();
    const n = this.pinged;
    if (this.waiting) return false;
    return new Promise((resolve) => {
      const timer = setTimeout(() => done(false), PATIENCE);
      const end = this.on("answer", (answered) => answered >= n && done(true));
      const done = (alive) => {
        clearTimeout(timer);
        end();
        resolve(alive);
      };
    });
  }

  /** Go on by another model. What is not known to have been taken in is said again once the kernel answers there. */
  follow(model) {
    this.close();
    this.model = model;
    model.on("msg:custom", this.hear);
    this.again = null;
    this.pinged = 0;
    this.setWaiting(false);
  }

  close() {
    clearTimeout(this.timer);
    clearTimeout(this.again);
    this.model.off("msg:custom", this.hear);
  }
}
