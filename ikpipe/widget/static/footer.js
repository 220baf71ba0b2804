// The footer: progress while files are uploaded, then the results.

import { button, h, oncePerFrame, setText, setButtonText } from "./dom.js";
import { bytesText, timeText } from "./format.js";
import { messageOf } from "./queue.js";
import { fillBar, progressBar } from "./row-parts.js";
import { isBusy, isRetryable, isUploaded } from "./states.js";
import { STRINGS } from "./strings.js";

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
    this.csv = button({ icon: "download", text: STRINGS.csv, label: STRINGS.downloadCsv, press: download });
    const texts = [this.bar, this.summary, this.details, h("span", { class: "ik-spring" })];
    this.element = h("div", { class: "ik-footer" }, texts, this.cancel, this.retry, this.csv);
    this.updateLater = oncePerFrame(() => this.update());
    ui.cleanup.add(
      ui.store.on("rows", this.updateLater),
      ui.queue.on("totals", this.updateLater),
      ui.store.on("finished", (run) => ui.announce(STRINGS.finished(run.finished - run.failed, run.failed))),
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
    setButtonText(this.retry, STRINGS.retryFailed(retryable));
    if (running) this.showProgress();
    else this.showResults(uploaded, failed);
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
