// Uploads of files: the exact strings that the kernel signed, the token, then the file.

import { EventEmitter } from "./dom.js";

const REPORT_INTERVAL = 250; // ms between two progress messages of one file
const RESEND_INTERVAL = 5000; // ms after which a result without acknowledgement is sent again
const MAX_BODY = 65536; // characters of a reply that the kernel accepts

// A progress listener makes the browser send a preflight request, which a service can refuse. After two uploads that
// succeeded only without a listener, the service counts as one that refuses. One that succeeds with a listener shows
// that the connection was the reason.
const REFUSED = 2;
/** @type {Map<string, number>} */
const unlistened = new Map(); // origin → uploads that succeeded only without a listener

/** @param {string} origin */
const refusesPreflights = (origin) => (unlistened.get(origin) ?? 0) >= REFUSED;
/** Whether there is a service that does not let the page see the progress of uploads. */
export const anyWithoutProgress = () => [...unlistened.keys()].some(refusesPreflights);

/**
 * @typedef {object} PostListeners
 * @property {(post: Post, loaded: number, total: number) => void} progress
 * @property {(post: Post) => void} sent
 * @property {(post: Post, result: Message) => void} ended
 */

/**
 * One attempt to upload a file. A retry is another one with a form of its own, since a token is valid for one request
 * .
 */
export class Post {
  /**
   * @param {Order} order @param {File} file @param {import("./pictures.js").Pictures} pictures
   * @param {PostListeners} listeners
   */
  constructor(order, file, pictures, listeners) {
    this.order = order;
    /** @type {Blob} */
    this.file = file;
    this.prepare = () => pictures.fileToSend(order.id, file).catch(() => null);
    this.listeners = listeners;
    this.loaded = 0;
    this.aborted = false;
    this.repeated = false;
    /** @type {(value?: unknown) => void} */
    this.end = () => {};
    this.ended = new Promise((resolve) => (this.end = resolve));
  }

  async start() {
    const file = (await isReadable(this.file)) ? await this.prepare() : null;
    if (file) this.file = file;
    if (this.aborted) this.finish({ error: "cancelled", left: false });
    else if (!file) this.finish({ error: "unreadable", left: false });
    else if (!navigator.onLine) this.finish({ error: "offline", left: false });
    else this.send(!refusesPreflights(originOf(this.order.url)));
  }

  /** @param {boolean} listening */
  send(listening) {
    const request = new XMLHttpRequest();
    this.request = request;
    request.open("POST", this.order.url);
    request.timeout = (this.order.timeout || 0) * 1000;
    if (listening) this.listen(request.upload);
    else this.listeners.progress(this, 0, 0);
    request.onload = () => this.answered(request, listening);
    request.onerror = () => this.failed(listening);
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

  /** @param {XMLHttpRequestUpload} upload */
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

  /** @param {XMLHttpRequest} request @param {boolean} listening */
  answered(request, listening) {
    const { status } = request;
    const origin = originOf(this.order.url);
    unlistened.set(origin, listening ? -Infinity : (unlistened.get(origin) || 0) + 1);
    // The first request can have stored the file. Then a rejection of the second, whose token is used, proves nothing.
    if (this.repeated && (status < 200 || status > 299)) this.finish({ error: "network", left: true });
    else this.finish({ status, body: request.responseText.slice(0, MAX_BODY), request_id: requestId(request) });
  }

  /**
   * Send the form once more, without a listener, if no byte was reported as sent: the preflight may have been refused.
   * That is not proof, since progress is reported late: whatever the browser was given may have arrived.
   * @param {boolean} listening
   */
  failed(listening) {
    if (!listening || this.loaded > 0 || this.aborted) {
      this.finish({ error: "network", left: true });
    } else if (navigator.onLine) {
      this.repeated = true;
      this.send(false);
    } else this.finish({ error: "offline", left: true });
  }

  abort() {
    this.aborted = true;
    this.request?.abort();
  }

  /** @param {object} result */
  finish(result) {
    const { id, attempt } = this.order;
    this.listeners.ended(this, { type: "result", id, attempt, ...result });
    this.end();
  }
}

/**
 * Whether a file is as it was picked: reading a changed or deleted one looks like a broken connection.
 * @param {Blob} file
 */
const isReadable = (file) =>
  file
    .slice(0, 1)
    .arrayBuffer()
    .then(
      () => true,
      () => false,
    );

/** @param {string} url */
const originOf = (url) => new URL(url, location.href).origin;

/** Return the request's id, if the service lets pages of other origins read it. @param {XMLHttpRequest} request */
function requestId(request) {
  return /^x-ik-requestid:\s*(\S+)/im.exec(request.getAllResponseHeaders())?.[1] ?? null;
}

/** All uploads of a queue, and their results until the kernel has acknowledged them. */
export class Posts extends EventEmitter {
  /**
   * @param {Kernel} kernel @param {(id: string) => File | undefined} fileOf
   * @param {import("./pictures.js").Pictures} pictures
   */
  constructor(kernel, fileOf, pictures) {
    super();
    this.pictures = pictures;
    this.kernel = kernel;
    this.fileOf = fileOf;
    /** @type {Map<string, Post>} */
    this.running = new Map(); // by row
    /** @type {Map<string, {result: Message, sentAt: number}>} */
    this.results = new Map(); // by row and attempt
    /** @type {Map<string, number>} */
    this.reported = new Map(); // when a row's progress was last reported
    kernel.on("post", ({ posts }) => posts.forEach((/** @type {Order} */ order) => this.receive(order)));
    kernel.on("abort", ({ id }) => this.abort([id]));
    kernel.on("ack", ({ id, attempt }) => this.results.delete(keyOf(id, attempt)));
    this.timer = setInterval(() => this.resendResults(RESEND_INTERVAL), RESEND_INTERVAL);
  }

  /** @param {Order} order */
  receive(order) {
    const { id, attempt } = order;
    const running = this.running.get(id);
    if (running && running.order.attempt === attempt) {
      this.confirm(running);
      return;
    }
    if (this.results.has(keyOf(id, attempt))) return;
    const file = this.fileOf(id);
    if (file) this.start(order, file);
    else this.report({ type: "result", id, attempt, error: "lost", left: false });
  }

  /** @param {Order} order @param {File} file */
  start(order, file) {
    const post = new Post(order, file, this.pictures, {
      progress: (...values) => this.progressed(...values),
      sent: ({ order: { id }, file: { size } }) => this.emit("sent", id, size),
      ended: (...values) => this.ended(...values),
    });
    this.running.set(order.id, post);
    this.confirm(post);
    post.start();
  }

  /**
   * Tell the kernel that this page has the file: before it is sent, since a browser can delay requests, and when the
   * kernel asks again. Another page may answer that it does not have the file.
   * @param {Post} post
   */
  confirm({ order: { id, attempt }, file: { size } }) {
    this.kernel.notify({ type: "progress", id, attempt, loaded: 0, total: size });
  }

  /** @param {Post} post @param {number} loaded @param {number} total */
  progressed(post, loaded, total) {
    const { id, attempt } = post.order;
    this.emit("progress", id, loaded, total);
    const now = performance.now();
    // A total of 0 is reported once, by an upload without a listener: it tells the kernel that a page has the file.
    if (total > 0 && now - (this.reported.get(id) || 0) < REPORT_INTERVAL) return;
    if (total > 0) this.reported.set(id, now);
    this.kernel.notify({ type: "progress", id, attempt, loaded, total });
  }

  /** @param {Post} post @param {Message} result */
  ended(post, result) {
    if (this.running.get(result.id) === post) this.running.delete(result.id);
    this.reported.delete(result.id);
    this.report(result);
    if (anyWithoutProgress()) this.emit("without progress");
  }

  /** @param {Message} result */
  report(result) {
    this.results.set(keyOf(result.id, result.attempt), { result, sentAt: performance.now() });
    this.kernel.send(result);
  }

  /** Send results again that were sent long enough ago; 0 is all of them. @param {number} age ms */
  resendResults(age = 0) {
    if (age && this.kernel.waiting) return; // it receives them when it answers
    const now = performance.now();
    for (const entry of this.results.values()) {
      if (now - entry.sentAt < age) continue;
      entry.sentAt = now;
      this.kernel.send(entry.result);
    }
  }

  /** Stop the uploads of some rows, or all; each reports its result. @param {string[] | null} ids */
  abort(ids) {
    for (const id of ids ?? [...this.running.keys()]) this.running.get(id)?.abort();
  }

  close() {
    clearInterval(this.timer);
  }
}

/** @param {string} id @param {number} attempt */
const keyOf = (id, attempt) => `${id} ${attempt}`;
