// Messages to and from the kernel. A notebook can delay a message while a cell runs, and let a later one overtake it.
// So messages are numbered: the kernel handles each once and in order, and what it has not received is sent again.

import { EventEmitter } from "./dom.js";
import { localized } from "./localize.js";

const ANSWER_TIMEOUT = 2000; // ms without an answer until the widget says that the kernel is busy
const MAX_PING_INTERVAL = 30000; // ms
const BATCH_DELAY = 20; // ms in which frequent messages are collected: each costs a notebook some milliseconds
const FREQUENT = new Set(["progress", "result", "ping"]);
const MAX_BATCH = 100; // messages
const RESEND_DELAY = 250; // ms in which a message that was on its way can still arrive

/**
 * @typedef {object} Request A message that waits for an answer.
 * @property {number} at
 * @property {boolean} answered whether there is an answer besides an error
 * @property {(message: Message | null) => void} resolve
 * @property {(error: Error) => void} reject
 */

export class Kernel extends EventEmitter {
  /** @param {Model} model */
  constructor(model) {
    super();
    this.model = model;
    this.line = Math.random().toString(36).slice(2); // the name of this sequence of messages
    this.at = 0; // number of the last message
    /** @type {Message[]} */
    this.unconfirmed = []; // messages that the kernel has not confirmed
    /** @type {Map<string, Request>} */
    this.requests = new Map();
    /** @type {Message[]} */
    this.outbox = [];
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.flushTimer = undefined;
    this.pings = 0;
    this.pinged = 0; // number of the ping without an answer; 0 is none
    this.waiting = false;
    this.silent = false; // whether the kernel is known not to receive anything
    this.unreachable = false; // whether the last message could not be sent
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.resendTimer = undefined;
    this.listener = (/** @type {Message} */ message, /** @type {DataView[]} */ buffers) =>
      this.receive(message, buffers || []);
    model.on("msg:custom", this.listener);
  }

  /** Send a message that can be lost. @param {Message} message */
  notify(message) {
    this.outbox.push(message);
    if (!FREQUENT.has(message.type) || this.outbox.length >= MAX_BATCH) this.flush();
    else this.flushTimer ??= setTimeout(() => this.flush(), BATCH_DELAY);
  }

  /** Send the messages that were collected, several as one. */
  flush() {
    clearTimeout(this.flushTimer);
    this.flushTimer = undefined;
    const messages = this.outbox;
    this.outbox = [];
    if (this.silent || !messages.length) return;
    try {
      this.model.send(messages.length === 1 ? messages[0] : { type: "batch", messages });
      this.unreachable = false;
    } catch {
      if (!this.unreachable) console.info("ikpipe: the kernel cannot be reached"); // once, since messages are repeated
      this.unreachable = true;
    }
  }

  /** Send a message that must arrive. A ping follows, whose answer tells whether it has. @param {Message} message */
  send(message) {
    const numbered = { ...message, line: this.line, at: ++this.at };
    this.unconfirmed.push(numbered);
    this.notify(numbered);
    this.ping();
  }

  /**
   * Send a message and return the answer; if only an error is `answered`, return null once the message was received.
   * @param {Message} message @returns {Promise<any>}
   */
  request(message, { answered = true } = {}) {
    const at = this.at + 1;
    const request = `${this.line}-${at}`;
    const answer = new Promise((resolve, reject) => this.requests.set(request, { at, answered, resolve, reject }));
    this.send({ ...message, request });
    return answer;
  }

  ping() {
    if (this.pinged) return; // its answer starts the next one if there are messages since
    this.pinged = ++this.pings;
    this.sendPing(ANSWER_TIMEOUT, 1);
  }

  /**
   * Ask how far the kernel is, and again until it answers, since its connection can change.
   * @param {number} timeout @param {number} count
   */
  sendPing(timeout, count) {
    this.notify({ type: "ping", n: this.pinged, line: this.line, at: this.at });
    this.timer = setTimeout(() => {
      this.setWaiting(true);
      this.emit("unanswered", count);
      this.sendPing(Math.min(2 * timeout, MAX_PING_INTERVAL), count + 1);
    }, timeout);
  }

  /** @param {Message} received @param {DataView[]} buffers */
  receive(received, buffers) {
    if (!received || typeof received.type !== "string") return;
    if (received.type === "batch") for (const one of received.messages) this.receive(one, []);
    const message = localized(received);
    if (message.type === "pong") this.receivePong(message);
    const request = this.requests.get(message.request);
    this.requests.delete(message.request);
    if (request && message.type === "error") request.reject(new Error(message.message, { cause: message.details }));
    else {
      request?.resolve(message);
      this.emit(message.type, message, buffers);
    }
  }

  /** @param {Message} message */
  receivePong({ line, n, at, taken }) {
    if (line !== this.line) return; // it is for another page
    this.unconfirmed = this.unconfirmed.filter((message) => message.at > taken);
    for (const [request, { at: number, answered, resolve }] of this.requests) {
      if (answered || number > taken) continue;
      this.requests.delete(request);
      resolve(null);
    }
    if (n !== this.pinged) return;
    clearTimeout(this.timer);
    this.pinged = 0;
    this.setWaiting(false);
    this.emit("answer", n);
    if (taken < at) this.resendTimer ??= setTimeout(() => this.resend(), RESEND_DELAY);
    else if (this.unconfirmed.length) this.ping();
  }

  resend() {
    this.resendTimer = undefined;
    for (const message of this.unconfirmed) this.notify(message);
    this.ping();
  }

  /** @param {boolean} waiting */
  setWaiting(waiting) {
    if (waiting === this.waiting) return;
    this.waiting = waiting;
    this.emit("waiting", waiting);
  }

  /** Return whether the kernel answers before it counts as busy. @returns {Promise<boolean>} */
  async answers() {
    this.ping();
    const ping = this.pinged;
    if (this.waiting) return false;
    return new Promise((resolve) => {
      /** @param {boolean} alive */
      const done = (alive) => {
        clearTimeout(timer);
        removeListener();
        resolve(alive);
      };
      const timer = setTimeout(() => done(false), ANSWER_TIMEOUT);
      const removeListener = this.on("answer", (n) => n >= ping && done(true));
    });
  }

  /**
   * Continue with another model. What is unconfirmed is sent again once the kernel answers there.
   * @param {Model} model
   */
  follow(model) {
    this.close();
    this.model = model;
    model.on("msg:custom", this.listener);
    this.resendTimer = undefined;
    this.pinged = 0;
    this.setWaiting(false);
  }

  close() {
    clearTimeout(this.timer);
    clearTimeout(this.resendTimer);
    this.flush();
    this.model.off("msg:custom", this.listener);
  }
}

/** @param {unknown} error */
export const messageOf = (error) => (error instanceof Error ? error.message : String(error));
