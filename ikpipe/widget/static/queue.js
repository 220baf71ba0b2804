// What the views of one widget share: its rows, its files, what is under way. Closing a view stops nothing.

import { Cleanup, EventEmitter } from "./dom.js";
import { Kernel } from "./kernel.js";
import { Posts } from "./posts.js";
import { isBusy, isFree } from "./states.js";
import { Store } from "./store.js";
import { STRINGS } from "./strings.js";

const BATCH = 500; // files that are announced in one message
const TRAITS = ["change:settings", "change:summary"]; // of the model, which views hear of from here
const SELECT_LATER = 100; // ms in which several changes of the selection are told as one

let lastKey = 0;
export const newKey = () => ++lastKey;

export class Queue extends EventEmitter {
  constructor(model) {
    super();
    this.model = model;
    this.kernel = new Kernel(model);
    this.store = new Store();
    this.files = new Map(); // id → {key, file, path}
    this.waiting = new Map(); // key → the same, until the kernel has given an id
    this.posts = new Posts(this.kernel, (id) => this.files.get(id)?.file);
    this.totals = null;
    this.whole = null; // what the kernel tells in answer to `hello`, as far as it has come
    this.unfinished = [];
    this.views = 0;
    this.ends = new Cleanup();
    this.ends.listen(window, "beforeunload", (event) => this.underWay && event.preventDefault());
    this.heard = TRAITS.map((name) => [name, () => this.emit(name)]);
    this.listen("on");
    this.hear();
    this.hello();
  }

  /** Go on with another model of the same uploader: a notebook that is closed and opened again makes a new one. */
  follow(model) {
    this.listen("off");
    this.model = model;
    this.listen("on");
    this.kernel.follow(model);
    this.hello();
  }

  /** Begin to hear the model's traits ("on"), or end it ("off"). */
  listen(way) {
    for (const [name, tell] of this.heard) this.model[way](name, tell);
  }

  get settings() {
    return this.model.get("settings") || {};
  }

  get summary() {
    return this.model.get("summary") || {};
  }

  hear() {
    const { kernel, store, posts } = this;
    kernel.on("welcome", (message) => this.welcome(message));
    kernel.on("rows", (message) => this.takeRows(message));
    kernel.on("gone", ({ ids }) => this.gone(ids));
    kernel.on("added", (message) => this.added(message));
    kernel.on("select", ({ ids }) => store.select(ids, "kernel"));
    kernel.on("totals", (message) => this.count(message));
    kernel.on("error", ({ message }) => this.emit("trouble", message));
    kernel.on("waiting", () => this.emit("notices"));
    posts.on("progress", (id, loaded, total) => store.setProgress(id, loaded, total));
    posts.on("sent", (id, size) => store.setProgress(id, size, size));
    posts.on("plain", () => this.emit("notices"));
    store.on("selection", (by) => by === "user" && this.tellSelection());
    store.on("finished", () => (this.totals = null));
  }

  takeRows({ rows, version, total, start }) {
    // versions count the messages: where one is missing, the line was cut meanwhile
    if (version > this.version + 1) this.hello();
    this.version = version;
    if (start === 0) this.whole = { ids: new Set(), total };
    if (start !== undefined) for (const { id } of rows) this.whole?.ids.add(id);
    this.store.patch(rows);
  }

  /** Drop the rows that the kernel does not have, once it has told all that it has: a `gone` may have been lost. */
  dropOthers({ ids, total }) {
    if (ids.size === total) this.gone([...this.store.rows.keys()].filter((id) => !ids.has(id)));
  }

  hello() {
    this.version = Infinity; // until the whole has come
    this.kernel.say({ type: "hello", view: Math.random().toString(36).slice(2) });
  }

  welcome({ session, version }) {
    this.version = version;
    const restarted = this.session && this.session !== session;
    this.session = session;
    if (!restarted) {
      this.posts.tellAgain();
      if (this.whole) this.dropOthers(this.whole);
    }
    this.whole = null;
    this.emit("welcome");
  }

  /** Tell why the last run stopped, once: who has dismissed it knows. */
  tellTrouble() {
    const { trouble = "" } = this.summary;
    if (trouble && trouble !== this.trouble) this.emit("trouble", trouble);
    this.trouble = trouble;
  }

  // Picking

  /** Announce files to the kernel, which gives their rows. */
  async add(files) {
    if (!files.length) return;
    this.emit("say", STRINGS.adding(files.length));
    const answers = [];
    for (let start = 0; start < files.length; start += BATCH) {
      answers.push(this.addSome(files.slice(start, start + BATCH)));
    }
    const counts = await Promise.all(answers);
    const added = counts.reduce((sum, n) => sum + n, 0);
    if (added) this.emit("say", STRINGS.added(added));
  }

  async addSome(files) {
    const { line } = this.kernel; // other pages hear the answer, too: they have other keys
    const held = files.map(({ file, path }) => ({ key: `${line}-${newKey()}`, file, path }));
    for (const one of held) this.waiting.set(one.key, one);
    try {
      const answer = await this.kernel.ask({ type: "add", files: held.map(announced) });
      return Object.keys(answer.ids).length;
    } catch (error) {
      for (const one of held) this.waiting.delete(one.key);
      this.emit("trouble", error.message);
      return 0;
    }
  }

  added({ ids, refused }) {
    for (const [key, id] of Object.entries(ids)) {
      const held = this.waiting.get(key);
      if (held) this.files.set(id, held);
      this.waiting.delete(key);
    }
    const reasons = Object.values(refused || {});
    for (const key of Object.keys(refused || {})) this.waiting.delete(key);
    if (reasons.length) this.emit("trouble", STRINGS.refusedToAdd(reasons.length, reasons[0]));
    this.store.emit("rows", new Set(Object.values(ids)), false); // now they have thumbnails
  }

  remove(ids) {
    this.kernel.say({ type: "remove", ids });
  }

  gone(ids) {
    for (const id of ids) this.files.delete(id);
    this.store.drop(ids);
    this.emit("gone", ids);
  }

  /** Tell whether a row may be taken away: one that the person picked, and that is surely not stored. */
  removable(row) {
    return row.source === "browser" && isFree(row);
  }

  // Choosing and mending

  tellSelection() {
    clearTimeout(this.selecting);
    this.selecting = setTimeout(() => this.kernel.say({ type: "select", ids: [...this.store.selection] }), SELECT_LATER);
  }

  /** Change a column of some rows; null is "back to the default". */
  async edit(ids, column, value) {
    try {
      await this.kernel.ask({ type: "edit", ids, column, value }, { answered: false });
      return null;
    } catch (error) {
      this.emit("trouble", `${STRINGS.editFailed}: ${error.message}`);
      return error.message;
    }
  }

  // Sending

  /** Send all that are ready, or those of some ids. */
  send(ids = null) {
    clearTimeout(this.selecting);
    this.kernel.say({ type: "send", ids });
  }

  /** Stop at once what this browser sends, whether the kernel has time or not. */
  cancel(ids = null) {
    this.kernel.say({ type: "cancel", ids });
    this.posts.abort(ids);
    this.store.cancel(ids);
  }

  retry(ids = null) {
    this.kernel.say({ type: "retry", ids });
  }

  count(message) {
    this.totals = message;
    this.emit("totals");
  }

  async csv() {
    const { text } = await this.kernel.ask({ type: "csv" });
    return text;
  }

  get posting() {
    return this.posts.running.size > 0;
  }

  /** Tell whether leaving the page would lose files that are to be sent, or what became of them. */
  get underWay() {
    const busy = (id) => isBusy(this.store.get(id) || {});
    return this.posting || this.posts.results.size > 0 || [...this.files.keys()].some(busy);
  }

  close() {
    this.ends.all();
    this.listen("off");
    this.kernel.close();
    this.posts.close();
  }
}

export const announced = ({ key, file, path }) => ({
  key,
  name: file.name,
  path,
  size: file.size,
  type: file.type,
  modified: file.lastModified,
});
