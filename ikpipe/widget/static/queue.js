// What all views of an uploader share: its rows, its files, and what is being uploaded. Closing a view stops nothing.

import { Cleanup, EventEmitter } from "./dom.js";
import { Connection } from "./connection.js";
import { Duplicates } from "./duplicates.js";
import { Edits } from "./edits.js";
import { tellAdjusted } from "./fixing.js";
import { FileHandles } from "./handles.js";
import { Kernel, messageOf } from "./kernel.js";
import { LibraryFiles } from "./library.js";
import { localized } from "./localize.js";
import { MissingFiles } from "./missing.js";
import { Pictures } from "./pictures.js";
import { Posts } from "./posts.js";
import { RemovedFiles } from "./removed-files.js";
import { isEditable, isRetryable, isUploaded } from "./states.js";
import { Store } from "./store.js";
import { STRINGS } from "./strings.js";
import { UndoHistory } from "./undo.js";
import { WaitingRows } from "./waiting-rows.js";

const FILES_PER_MESSAGE = 500;
const TRAITS = ["change:settings", "change:summary"]; // of the model, which views observe here
const REVISION_DELAY = 500; // ms in which several changes of the tables in Python become one
const SELECT_DELAY = 100; // ms in which several changes of the selection become one message

let lastKey = 0;

export class Queue extends EventEmitter {
  /** @param {Model} model */
  constructor(model) {
    super();
    this.model = model;
    this.kernel = new Kernel(model);
    this.connection = new Connection(this.kernel);
    this.history = new UndoHistory(this.kernel);
    this.edits = new Edits(this.kernel, this.history);
    this.store = new Store();
    /** @type {Map<string, KeyedFile>} */
    this.files = new Map(); // by row
    /** @type {Map<string, KeyedFile>} */
    this.waiting = new Map(); // by key, until the kernel has created their rows
    this.removedFiles = new RemovedFiles(this);
    /** @type {Set<string>} */
    this.fresh = new Set(); // rows of files that were just added here, until they are pointed out
    /** @type {Set<string>} */
    this.withoutFiles = new Set(); // keys of rows that were adopted without their files
    this.library = new LibraryFiles(this);
    this.missing = new MissingFiles(this);
    this.duplicates = new Duplicates(this);
    this.waitingRows = new WaitingRows(this);
    this.handles = new FileHandles(this);
    this.pictures = new Pictures(this);
    this.posts = new Posts(this.kernel, (id) => this.files.get(id)?.file, this.pictures);
    /** @type {Totals | null} */
    this.totals = null;
    /** @type {{ids: Set<string>, total: number} | null} */
    this.listing = null; // the rows that the kernel has sent so far in answer to `hello`
    /** @type {Queue[]} */
    this.unfinished = []; // queues of earlier kernels, whose files are offered here
    this.views = 0; // that show it now
    this.wasShown = false;
    this.version = Infinity;
    this.session = "";
    /** @type {string | undefined} */
    this.process = undefined; // that of the kernel
    this.trouble = "";
    this.cleanup = new Cleanup();
    this.cleanup.listen(window, "beforeunload", (event) => this.wouldLoseFiles && event.preventDefault());
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.revisionTimer = undefined;
    this.cleanup.add(
      this.on("change:summary", () => (this.revisionTimer ??= setTimeout(() => this.setRevision(), REVISION_DELAY))),
      () => clearTimeout(this.revisionTimer),
    );
    this.observers = TRAITS.map((name) => ({ name, listener: () => this.emit(name) }));
    this.observe("on");
    this.listen();
    this.hello();
  }

  /**
   * Continue with another model of the same uploader: a notebook that is closed and opened creates one.
   * @param {Model} model
   */
  follow(model) {
    this.observe("off");
    this.model = model;
    this.observe("on");
    this.kernel.follow(model);
    this.connection.follow();
    this.hello();
  }

  /** Start or stop observing the model's traits. @param {"on" | "off"} method */
  observe(method) {
    for (const { name, listener } of this.observers) this.model[method](name, listener);
  }

  /** @returns {Settings} */
  get settings() {
    return this.model.get("settings") || {};
  }

  listen() {
    const { kernel, store, posts } = this;
    kernel.on("welcome", (message) => this.welcome(message));
    kernel.on("rows", (message) => this.receiveRows(message));
    kernel.on("gone", ({ ids }) => this.removed(ids));
    kernel.on("added", (message) => this.added(message));
    kernel.on("select", ({ ids }) => store.select(ids, "kernel"));
    kernel.on("totals", (message) => this.setTotals(message));
    kernel.on("error", ({ message, details }) => this.emit("trouble", message, details));
    this.connection.on("change", () => this.emit("notices"));
    this.edits.on("trouble", (message) => this.emit("trouble", message));
    posts.on("progress", (id, loaded, total) => store.setProgress(id, loaded, total));
    posts.on("sent", (id, size) => store.setProgress(id, size, size));
    posts.on("without progress", () => this.emit("notices"));
    store.on("selection", (by) => by === "user" && this.sendSelection());
    store.on("finished", () => (this.totals = null));
  }

  /** @param {Message} message */
  receiveRows({ rows, version, total, start }) {
    // versions count the messages: where one is missing, the connection was interrupted
    if (version > this.version + 1) this.hello();
    this.version = version;
    if (start === 0) this.listing = { ids: new Set(), total };
    if (start !== undefined) for (const { id } of rows) this.listing?.ids.add(id);
    this.removedFiles.takeBack(rows);
    this.missing.reclaim(rows);
    this.store.update(rows.map((/** @type {Row} */ row) => this.missing.shown(this.checkable(row))));
    this.showFresh();
  }

  /** Return a row, for which a retry is offered only if it can be searched for. @param {Row} row @returns {Row} */
  checkable(row) {
    const retryable = row.state !== "unknown" || this.settings.can_search !== false;
    return retryable ? row : { ...row, result: { ...row.result, final: true } };
  }

  hello() {
    this.version = Infinity; // until all rows have come
    this.kernel.send({ type: "hello" });
  }

  /** @param {Message} message */
  welcome({ session, version, run, process }) {
    this.version = version;
    const restarted = this.session && this.session !== session;
    this.session = session;
    this.process = process;
    if (!restarted) {
      this.posts.resendResults();
      this.removeUnlisted();
      if (run) this.store.continueRun(run);
      this.missing.announce();
      this.handles.restore();
    }
    this.listing = null;
    this.emit("welcome");
    this.emit("notices");
  }

  /** Remove rows that the kernel does not have, if it has sent all of its own: a `gone` may have been lost. */
  removeUnlisted() {
    const { ids, total } = this.listing ?? {};
    if (ids && ids.size === total) this.removed([...this.store.rows.keys()].filter((id) => !ids.has(id)));
  }

  /** Set the trait that tells marimo that the tables in Python have changed: it observes what a page sets. */
  setRevision() {
    this.revisionTimer = undefined;
    const { revision = 0 } = this.model.get("summary") || {};
    if (revision === (this.model.get("revision") ?? 0)) return;
    this.model.set("revision", revision);
    this.model.save_changes();
  }

  /** Show why the last run stopped, once: it can be dismissed. */
  showTrouble() {
    const { trouble = "", reason = "" } = this.model.get("summary") || {};
    const { message, details } = localized({ type: "error", message: trouble, reason });
    if (trouble && trouble !== this.trouble) this.emit("trouble", message, details);
    this.trouble = trouble;
  }

  // Picking

  /**
   * Add files: first to the rows that lack them, then as new rows.
   * @param {PickedFile[]} picked
   */
  add(picked) {
    const { found, others } = this.missing.rejoin(picked);
    if (found) this.emit("announce", this.foundTexts(found).join(" "), { visible: true });
    return this.addRows(others);
  }

  /** Say how many files were found again, and how many are still missing. @param {number} found */
  foundTexts(found) {
    const { count } = this.missing;
    return count ? [STRINGS.foundAgain(found), STRINGS.stillMissing(count)] : [STRINGS.foundAgain(found)];
  }

  /** Give files to the rows that lack them, and say what is left; no row is added. @param {PickedFile[]} picked */
  chooseAgain(picked) {
    if (!picked.length) return;
    const { found, changed, unknown } = this.missing.rejoin(picked);
    const texts = [
      ...this.foundTexts(found),
      unknown.length ? STRINGS.notInList(unknown.length) : "",
      changed.length ? STRINGS.changedSince(changed[0].file.name) : "",
    ];
    this.emit("announce", texts.filter(Boolean).join(" "), { visible: true });
  }

  /** Announce files to the kernel, which creates their rows. @param {PickedFile[]} files */
  async addRows(files) {
    if (!files.length) return;
    this.emit("announce", STRINGS.adding(files.length));
    const answers = [];
    for (let start = 0; start < files.length; start += FILES_PER_MESSAGE) {
      answers.push(this.addBatch(files.slice(start, start + FILES_PER_MESSAGE)));
    }
    const counts = await Promise.all(answers);
    const added = counts.reduce((sum, n) => sum + n, 0);
    if (added) this.emit("announce", STRINGS.added(added), { visible: true });
  }

  /** @param {PickedFile[]} files */
  async addBatch(files) {
    const { line } = this.kernel; // other pages receive the answer, too: they have other keys
    const keyed = files.map((picked) => ({ ...picked, key: `${line}-${++lastKey}` }));
    this.handles.remember(files);
    for (const entry of keyed) this.waiting.set(entry.key, entry);
    try {
      const answer = await this.kernel.request({ type: "add", files: keyed.map(describeFile) });
      return Object.keys(answer.ids).length;
    } catch (error) {
      for (const { key } of keyed) this.waiting.delete(key);
      this.emit("trouble", messageOf(error));
      return 0;
    }
  }

  /** @param {{ids: Record<string, string>, refused?: Record<string, string>}} message */
  added({ ids, refused = {} }) {
    for (const [key, id] of Object.entries(ids)) {
      const file = this.waiting.get(key);
      if (file) this.files.set(id, file);
      else if (!this.withoutFiles.delete(key)) this.missing.elsewhere.add(id); // another page added it
      this.waiting.delete(key);
    }
    const reasons = Object.values(refused);
    for (const key of Object.keys(refused)) this.waiting.delete(key);
    if (reasons.length) this.emit("trouble", STRINGS.rejected(reasons.length, reasons[0]));
    this.store.emit("rows", new Set(Object.values(ids)), false); // they have thumbnails now
    for (const id of Object.values(ids)) if (this.files.has(id)) this.fresh.add(id);
    this.showFresh();
  }

  /** Point out files that were just added here, once their rows are there. */
  showFresh() {
    const ids = [...this.fresh].filter((id) => this.store.get(id));
    if (!ids.length) return;
    for (const id of ids) this.fresh.delete(id);
    tellAdjusted(this, ids);
    this.emit("fresh", ids);
  }

  /** Remove rows, and return the name of the step, by which it is undone. @param {string[]} ids */
  remove(ids) {
    const step = this.history.nextStep();
    this.kernel.send({ type: "remove", ids, step });
    return step;
  }

  /** @param {string[]} ids */
  removed(ids) {
    this.handles.forget(this.store.all(ids));
    this.removedFiles.setAside(ids);
    this.store.remove(ids);
    this.emit("removed", ids);
  }

  /** Whether a row can be removed: it was added in a page, and is certainly not stored. @param {Row} row */
  isRemovable(row) {
    return (row.source === "browser" || Boolean(row.added)) && (isEditable(row) || row.state === "deleted");
  }

  /** Whether a row can be left out of the upload: it is one of the table, which is not removed. @param {Row} row */
  canLeaveOut(row) {
    return isEditable(row) && !this.isRemovable(row);
  }

  // Selecting and editing

  sendSelection() {
    clearTimeout(this.selectTimer);
    const send = () => this.kernel.send({ type: "select", ids: [...this.store.selection] });
    this.selectTimer = setTimeout(send, SELECT_DELAY);
  }

  /**
   * Change a column of some rows, and return whether the kernel took it; null resets it to the default.
   * @param {string[]} ids @param {string} column @param {Value} value
   */
  edit(ids, column, value) {
    return this.edits.set(ids, column, value);
  }

  // Uploading

  /** Upload some rows, or all that are ready. @param {string[] | null} ids */
  send(ids = null) {
    clearTimeout(this.selectTimer);
    // the kernel does not know which files this page lacks
    this.kernel.send({ type: "send", ids: ids ?? (this.store.counts.missing ? this.idsOf(isReady) : null) });
  }

  /** Stop uploads of this browser at once, also while the kernel is busy. @param {string[] | null} ids */
  cancel(ids = null) {
    this.kernel.send({ type: "cancel", ids });
    this.posts.abort(ids);
    this.store.cancel(ids);
  }

  /** Stop waiting for what became of rows that were cancelled. @param {string[]} ids */
  stopNow(ids) {
    this.kernel.send({ type: "cancel", ids, now: true });
  }

  /** @param {string[] | null} ids */
  retry(ids = null) {
    this.kernel.send({ type: "retry", ids: ids ?? this.idsOf(isRetryable) });
  }

  /** @param {(row: Row) => boolean} applies */
  idsOf(applies) {
    return [...this.store.rows.values()].filter(applies).map((row) => row.id);
  }

  /** @param {any} totals */
  setTotals(totals) {
    this.totals = totals;
    this.emit("totals");
  }

  /** Return the results as CSV. @returns {Promise<string>} */
  async csv() {
    const { text } = await this.kernel.request({ type: "csv" });
    return text;
  }

  get isUploading() {
    return this.posts.running.size > 0;
  }

  /** Whether leaving the page would lose files that were not uploaded, or the results of uploads. */
  get wouldLoseFiles() {
    if (this.isUploading || this.posts.results.size || this.waiting.size) return true;
    return this.store.all(this.files.keys()).some((row) => !isUploaded(row));
  }

  close() {
    this.cleanup.run();
    this.observe("off");
    this.kernel.close();
    this.connection.close();
    this.missing.close();
    this.duplicates.close();
    this.posts.close();
  }
}

/** @param {Row} row */
const isReady = (row) => row.state === "ready";

/** Return what the kernel is told about a file. @param {KeyedFile} file */
export const describeFile = ({ key, file, path }) => ({
  key,
  name: file.name,
  path,
  size: file.size,
  type: file.type,
  modified: file.lastModified,
});
