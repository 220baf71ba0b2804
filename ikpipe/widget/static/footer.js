// The footer: progress while files are uploaded, then the results.

import { copyMenu, copyRows } from "./copy.js";
import { button, h, oncePerFrame, setAttribute, setText, setButtonText } from "./dom.js";
import { bytesText, timeText } from "./format.js";
import { messageOf } from "./kernel.js";
import { fillBar, progressBar } from "./row-parts.js";
import { isBusy, isRetryable, isUploaded } from "./states.js";
import { STRINGS } from "./strings.js";
import { showInTitle } from "./tab-title.js";

const RELEASE_DELAY = 10000; // ms in which the browser saves a download

export class Footer {
  /** @param {Ui} ui */
  constructor(ui) {
    this.ui = ui;
    this.bar = progressBar(STRINGS.totalProgress);
    this.summary = h("span", { class: "ik-summary" });
    this.details = h("span", { class: "ik-quiet-text" });
    this.cancel = button({ icon: "close", text: STRINGS.cancelAll, press: () => this.stop() });
    this.retry = button({ icon: "retry", text: STRINGS.retryFailed(0), press: () => ui.queue.retry() });
    const download = () => this.download();
    this.csv = button({ icon: "download", text: STRINGS.saveCsv, label: STRINGS.downloadCsv, press: download });
    this.links = button({ icon: "copy", text: STRINGS.copyAllLinks, press: () => this.copyLinks() });
    const others = (/** @type {MouseEvent} */ event) => copyMenu(ui, this.uploaded(), /** @type {HTMLElement} */ (event.currentTarget));
    this.snippets = button({ icon: "more", label: STRINGS.copyAllAs, press: others, "aria-haspopup": "menu" });
    this.copying = h("div", { class: "ik-buttons-joined" }, this.links, this.snippets);
    const clear = () => this.clear();
    this.clearButton = button({ text: STRINGS.clearDone, label: STRINGS.clearDoneHint, kind: "ik-quiet", press: clear });
    this.upload = button({ icon: "upload", text: STRINGS.send(0), kind: "ik-primary", press: () => this.send() });
    const texts = h("div", { class: "ik-summary-part", role: "group" }, this.summary, this.details);
    const buttons = [this.cancel, this.copying, this.csv, this.clearButton, this.retry, this.upload];
    this.element = h("div", { class: "ik-footer" }, this.bar, texts, h("div", { class: "ik-footer-buttons" }, buttons));
    this.updateLater = oncePerFrame(() => this.update());
    ui.cleanup.add(
      ui.store.on("rows", this.updateLater),
      ui.queue.on("totals", this.updateLater),
      ui.store.on("finished", (run) => ui.announce(STRINGS.finished(run.finished - run.failed, run.failed))),
      () => showInTitle(""),
    );
    this.update();
  }

  update() {
    const { ui } = this;
    const { store } = ui;
    const running = store.run.running > 0;
    const failed = store.countOf("failed") + store.countOf("cancelled");
    const retryable = running || !failed ? 0 : ui.queue.idsOf(isRetryable).length;
    const uploaded = store.countOf("uploaded");
    this.element.hidden = store.rows.size === 0;
    this.bar.hidden = this.cancel.hidden = !running;
    setButtonText(this.cancel, store.isStopping ? STRINGS.stopNow : STRINGS.cancelAll);
    this.retry.hidden = retryable === 0;
    this.csv.hidden = running || uploaded + failed === 0;
    this.copying.hidden = this.clearButton.hidden = running || uploaded === 0;
    const ready = store.countOf("ready");
    this.upload.hidden = ready === 0 && (running || uploaded + failed > 0);
    setButtonText(this.upload, STRINGS.send(ready));
    setAttribute(this.upload, "aria-disabled", ready ? null : "true");
    setButtonText(this.retry, STRINGS.retryFailed(retryable));
    if (running) this.showProgress();
    else this.showResults(uploaded, failed);
    if (!running) showInTitle("");
  }

  send() {
    const { store, queue } = this.ui;
    if (store.countOf("ready")) queue.send();
    else this.ui.announce(STRINGS.nothingToSend, { visible: true });
  }

  copyLinks() {
    copyRows(this.ui, this.uploaded(), "url");
  }

  /** Return the uploaded rows in the order of the list. */
  uploaded() {
    const { store } = this.ui;
    return store.all(store.order).filter(isUploaded);
  }

  /** Take uploaded rows out of the list; the kernel keeps them and their results. */
  clear() {
    const { ui } = this;
    const ids = ui.queue.idsOf(isUploaded);
    ui.store.clear(ids);
    const press = () => ui.store.restore();
    ui.announce(STRINGS.cleared(ids.length), { visible: true, action: { text: STRINGS.undo, press } });
    if (ui.store.rows.size) ui.grid.focus(ui.view.active);
    else ui.root.focus({ preventScroll: true });
  }

  /** Cancel all rows, or no longer wait for what became of them. */
  stop() {
    const { queue, store } = this.ui;
    if (store.isStopping) queue.stopNow(queue.idsOf(isBusy));
    else queue.cancel();
  }

  showProgress() {
    const { run, isStopping } = this.ui.store;
    const { totals } = this.ui.queue;
    const share = totals?.of ? totals.bytes / totals.of : run.finished / run.total;
    fillBar(this.bar, Math.min(1, share));
    showInTitle(`${Math.round(100 * Math.min(1, share))} %`);
    setText(this.summary, STRINGS.progressOf(run.finished, run.total));
    if (isStopping) return setText(this.details, STRINGS.stopping);
    const details = [
      totals?.of && STRINGS.bytesOf(bytesText(totals.bytes), bytesText(totals.of)),
      totals?.rate && STRINGS.rate(bytesText(totals.rate)),
      totals?.left && STRINGS.timeLeft(timeText(totals.left)),
    ];
    setText(this.details, details.filter(Boolean).join(" · "));
  }

  /** @param {number} uploaded @param {number} failed */
  showResults(uploaded, failed) {
    const { rows } = this.ui.store;
    setText(this.summary, uploaded + failed ? STRINGS.finished(uploaded, failed) : STRINGS.fileCount(rows.size));
    let bytes = 0; // of the uploaded files, or of all if there are none
    for (const row of rows.values()) if (!uploaded || isUploaded(row)) bytes += row.size || 0;
    setText(this.details, bytes ? bytesText(bytes) : "");
  }

  async download() {
    const { queue, root } = this.ui;
    try {
      const address = URL.createObjectURL(new Blob([await queue.csv()], { type: "text/csv;charset=utf-8" }));
      const link = h("a", { href: address, download: STRINGS.csv });
      root.append(link);
      link.click();
      link.remove();
      setTimeout(() => URL.revokeObjectURL(address), RELEASE_DELAY);
    } catch (error) {
      queue.emit("trouble", messageOf(error));
    }
  }
}
