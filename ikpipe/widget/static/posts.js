// Posting a file: the kernel's strings verbatim, the token, then the file.

import { EventEmitter } from "./dom.js";

const REPORTS = 250; // ms between two reports of one file's progress
const AGAIN = 5000; // ms after which a result that nobody acknowledged is told again
const LONGEST = 65536; // characters of an answer that the kernel takes

const REFUSED = 2; // posts that went only unheard, after which a service counts as one that refuses preflights
const unheard = new Map(); // origin → how many did; -Infinity once one was heard: then it was the connection

/** Tell whether a service refuses preflights: there, no upload may be listened to. */
const isPlain = (origin) => unheard.get(origin) >= REFUSED;
export const anyPlain = () => [...unheard.keys()].some(isPlain);

/** One attempt for one file. A retry is a new one, with a form of its own: a token is good for one post. */
class Post {
  constructor(order, file, listeners) {
    this.order = order;
    this.file = file;
    this.listeners = listeners;
    this.loaded = 0;
    this.aborted = false;
    this.second = false;
    this.ended = new Promise((resolve) => (this.end = resolve));
  }

  async start() {
    const there = await readable(this.file);
    if (this.aborted) this.finish({ error: "cancelled", left: false });
    else if (!there) this.finish({ error: "unreadable", left: false });
    else if (!navigator.onLine) this.finish({ error: "offline", left: false });
    else this.send(!isPlain(originOf(this.order.url)));
  }

  send(listening) {
    const request = new XMLHttpRequest();
    this.request = request;
    request.open("POST", this.order.url);
    request.timeout = (this.order.timeout || 0) * 1000;
    if (listening) this.listen(request.upload);
    else this.listeners.progress(this, 0, 0);
    request.onload = () => this.answered(request, listening);
    request.onerror = () => this.broke(listening);
    request.ontimeout = () => this.finish({ error: "timeout", left: true });
    request.onabort = () => this.finish({ error: "cancelled", left: true });
    request.send(this.form());
  }

  form() {
    const form = new FormData();
    for (const [name, text] of this.order.fields) form.append(name, text);
    form.append("token", this.order.token);
    form.append("file", this.file, this.order.name);
    return form;
  }

  listen(upload) {
    upload.onprogress = (event) => {
      this.loaded = event.loaded;
      // the form is a little longer than the file
      this.listeners.progress(this, Math.min(event.loaded, this.file.size), this.file.size);
    };
    upload.onload = () => {
      this.loaded = Math.max(this.loaded, 1);
      this.listeners.sent(this);
    };
  }

  answered(request, listening) {
    const { status } = request;
    const origin = originOf(this.order.url);
    unheard.set(origin, listening ? -Infinity : (unheard.get(origin) || 0) + 1);
    // After a first try that may have stored the file, a refusal (the token is used) proves nothing.
    if (this.second && (status < 200 || status > 299)) this.finish({ error: "network", left: true });
    else this.finish({ status, body: request.responseText.slice(0, LONGEST), request_id: requestId(request) });
  }

  /**
   * Nothing left that we heard of: the preflight may have been refused, and a form alone needs none. It is no proof,
   * since what leaves is told late: whatever was once given to the browser may have arrived.
   */
  broke(listening) {
    if (!listening || this.loaded > 0 || this.aborted) {
      this.finish({ error: "network", left: true });
    } else if (navigator.onLine) {
      this.second = true;
      this.send(false);
    } else this.finish({ error: "offline", left: true });
  }

  abort() {
    this.aborted = true;
    this.request?.abort();
  }

  finish(result) {
    const { id, attempt } = this.order;
    this.listeners.ended(this, { type: "result", id, attempt, ...result });
    this.end();
  }
}

/** Tell whether a file is still as it was picked: one that was changed or deleted looks like a broken connection. */
const readable = (file) =>
  file
    .slice(0, 1)
    .arrayBuffer()
    .then(
      () => true,
      () => false,
    );

const originOf = (url) => new URL(url, location.href).origin;

/** Read the request's id, where the service lets pages of other origins see it. */
function requestId(request) {
  const line = /^x-ik-requestid:\s*(\S+)/im.exec(request.getAllResponseHeaders());
  return line ? line[1] : null;
}

/** All posts of a queue, and their results until the kernel has acknowledged them. */
export class Posts extends EventEmitter {
  constructor(kernel, fileOf) {
    super();
    this.kernel = kernel;
    this.fileOf = fileOf;
    this.running = new Map();
    this.results = new Map();
    this.reported = new Map();
    kernel.on("post", ({ posts }) => posts.forEach((order) => this.take(order)));
    kernel.on("abort", ({ id }) => this.abort([id]));
    kernel.on("ack", ({ id, attempt }) => this.results.delete(keyOf(id, attempt)));
    this.timer = setInterval(() => this.tellAgain(AGAIN), AGAIN);
  }

  take(order) {
    const running = this.running.get(order.id);
    if (running && running.order.attempt === order.attempt) {
      this.atIt(running);
      return;
    }
    if (this.results.has(keyOf(order.id, order.attempt))) return;
    const file = this.fileOf(order.id);
    if (!file) this.report({ type: "result", id: order.id, attempt: order.attempt, error: "lost", left: false });
    else this.begin(order, file);
  }

  begin(order, file) {
    const post = new Post(order, file, {
      progress: (...values) => this.progressed(...values),
      sent: ({ order: { id }, file: { size } }) => this.emit("sent", id, size),
      ended: (ended, result) => this.ended(ended, result),
    });
    this.running.set(order.id, post);
    this.atIt(post);
    post.start();
  }

  /**
   * Tell the kernel that this page is at it: before anything leaves, since a browser holds posts back, and when asked
   * again. Another page may say that it does not have the file.
   */
  atIt({ order: { id, attempt }, file: { size } }) {
    this.kernel.tell({ type: "progress", id, attempt, loaded: 0, total: size });
  }

  progressed(post, loaded, total) {
    const { id, attempt } = post.order;
    this.emit("progress", id, loaded, total);
    const now = performance.now();
    // A total of 0 is told once, by a post that nobody listens to: the kernel knows that a page is at it.
    if (total > 0 && now - (this.reported.get(id) || 0) < REPORTS) return;
    if (total > 0) this.reported.set(id, now);
    this.kernel.tell({ type: "progress", id, attempt, loaded, total });
  }

  ended(post, result) {
    if (this.running.get(result.id) === post) this.running.delete(result.id);
    this.reported.delete(result.id);
    this.report(result);
    if (anyPlain()) this.emit("plain");
  }

  report(result) {
    this.results.set(keyOf(result.id, result.attempt), { result, told: performance.now() });
    this.kernel.say(result);
  }

  tellAgain(age = 0) {
    if (age && this.kernel.waiting) return; // it has them before it, or hears them when it answers
    const now = performance.now();
    for (const kept of this.results.values()) {
      if (now - kept.told < age) continue;
      kept.told = now;
      this.kernel.say(kept.result);
    }
  }

  /** Stop what is under way of some rows, or of all; the kernel hears of each. */
  abort(ids) {
    for (const id of ids || [...this.running.keys()]) this.running.get(id)?.abort();
  }

  close() {
    clearInterval(this.timer);
  }
}

const keyOf = (id, attempt) => `${id} ${attempt}`;
