// How it stands: the whole run while it goes, then what came of it.

import { button, h, oncePerFrame, setText } from "./dom.js";
import { bytesText, timeText } from "./format.js";
import { bar, fillBar } from "./row-parts.js";
import { isUp } from "./states.js";
import { fileCount, STRINGS } from "./strings.js";

export class Footer {
  constructor(ui) {
    this.ui = ui;
    this.bar = bar(STRINGS.total);
    this.text = h("span", { class: "ik-summary" });
    this.more = h("span", { class: "ik-quiet-text" });
    this.cancel = button({ sign: "close", text: STRINGS.cancelAll, press: () => ui.queue.cancel() });
    this.retry = button({ sign: "retry", text: STRINGS.retryFailed(0), press: () => ui.queue.retry() });
    this.csv = button({ sign: "download", text: STRINGS.csv, label: STRINGS.csvLabel, press: () => this.download() });
    this.element = h(
      "div",
      { class: "ik-footer" },
      this.bar,
      this.text,
      this.more,
      h("span", { class: "ik-spring" }),
      this.cancel,
      this.retry,
      this.csv,
    );
    this.updateLater = oncePerFrame(() => this.update());
    this.ends = [
      ui.store.on("rows", this.updateLater),
      ui.queue.on("totals", this.updateLater),
      ui.store.on("finished", (run) => ui.say(STRINGS.finished(run.done - run.failed, run.failed))),
    ];
    this.update();
  }

  update() {
    const { store } = this.ui;
    const { run } = store;
    const down = store.countOf("failed");
    const up = store.countOf("up");
    this.element.hidden = store.rows.size === 0;
    this.bar.hidden = this.cancel.hidden = run.going === 0;
    this.retry.hidden = run.going > 0 || down === 0;
    this.csv.hidden = run.going > 0 || up + down === 0;
    setText(this.retry.querySelector(".ik-word"), STRINGS.retryFailed(down));
    if (run.going) this.fillRun(run);
    else this.fillSummary(up, down);
  }

  fillRun(run) {
    const { totals } = this.ui.queue;
    const share = totals?.of ? totals.bytes / totals.of : run.done / run.of;
    fillBar(this.bar, Math.min(1, share));
    setText(this.text, STRINGS.progressOf(run.done, run.of));
    const parts = [];
    if (totals?.of) parts.push(STRINGS.bytesOf(bytesText(totals.bytes), bytesText(totals.of)));
    if (totals?.rate) parts.push(STRINGS.rate(bytesText(totals.rate)));
    if (totals?.left) parts.push(STRINGS.left(timeText(totals.left)));
    setText(this.more, parts.join(" · "));
  }

  fillSummary(up, down) {
    const { store } = this.ui;
    setText(this.text, up + down ? STRINGS.finished(up, down) : fileCount(store.rows.size));
    const bytes = this.bytes(up ? isUp : () => true);
    setText(this.more, bytes ? bytesText(bytes) : "");
  }

  /** Count the bytes of some rows: what is up, once something is. */
  bytes(counts) {
    let sum = 0;
    for (const row of this.ui.store.rows.values()) if (counts(row)) sum += row.size || 0;
    return sum;
  }

  async download() {
    const text = await this.ui.queue.csv().catch((error) => this.ui.queue.emit("trouble", error.message));
    if (text === undefined) return;
    const address = URL.createObjectURL(new Blob([text], { type: "text/csv;charset=utf-8" }));
    const link = h("a", { href: address, download: "results.csv" });
    this.ui.root.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(address), 10000);
  }

  close() {
    for (const end of this.ends) end();
  }
}
