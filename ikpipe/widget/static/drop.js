// The ways in: the file chooser, folders, the mouse, the clipboard.

import { button, Ends, h } from "./dom.js";
import { carriesFiles, chosenFiles, droppedFiles, pastedFiles } from "./files.js";
import { bytesText } from "./format.js";
import { icon } from "./icons.js";
import { STRINGS } from "./strings.js";

export class Intake {
  constructor(ui) {
    this.ui = ui;
    this.depth = 0; // a drag enters and leaves each element on its way
    this.files = this.chooser({ multiple: true });
    this.folder = this.chooser({ webkitdirectory: true });
    this.overlay = h(
      "div",
      { class: "ik-overlay", hidden: true },
      icon("upload"),
      h("strong", {}, STRINGS.dropNow),
      h("span", {}, STRINGS.dropNowHint),
    );
    this.ends = new Ends();
    const { root } = ui;
    this.ends.listen(root, "dragenter", (event) => this.dragged(event, 1));
    this.ends.listen(root, "dragover", (event) => this.dragged(event, 0));
    this.ends.listen(root, "dragleave", (event) => this.dragged(event, -1));
    this.ends.listen(root, "drop", (event) => this.dropped(event));
    this.ends.listen(root, "paste", (event) => this.pasted(event));
  }

  chooser(attributes) {
    const input = h("input", { type: "file", hidden: true, tabindex: "-1", ...attributes });
    input.addEventListener("change", () => {
      this.take(chosenFiles(input.files));
      input.value = ""; // the same file can be chosen again
    });
    return input;
  }

  get elements() {
    return [this.files, this.folder, this.overlay];
  }

  chooseFiles() {
    this.files.click();
  }

  chooseFolder() {
    this.folder.click();
  }

  take(files) {
    this.ui.queue.add(files);
  }

  dragged(event, step) {
    if (!carriesFiles(event.dataTransfer)) return;
    event.preventDefault();
    event.stopPropagation(); // the notebook would take the files
    event.dataTransfer.dropEffect = "copy";
    this.depth = Math.max(0, this.depth + step);
    this.overlay.hidden = this.depth === 0;
  }

  async dropped(event) {
    if (!carriesFiles(event.dataTransfer)) return;
    event.preventDefault();
    event.stopPropagation();
    this.depth = 0;
    this.overlay.hidden = true;
    this.ui.root.focus({ preventScroll: true });
    const reading = (n) => n % 100 === 0 && this.ui.say(STRINGS.reading(n), { shown: true });
    const files = await droppedFiles(event.dataTransfer, reading);
    if (files.length) this.take(files);
    else this.ui.say(STRINGS.noFiles, { shown: true });
  }

  pasted(event) {
    if (event.target.matches("input, textarea") || !event.clipboardData?.files.length) return;
    event.preventDefault();
    event.stopPropagation();
    this.take(pastedFiles(event.clipboardData));
  }

  close() {
    this.ends.all();
  }
}

/** What is seen before there are files: a place to drop them, and how else to bring them. */
export function emptyState(ui) {
  const limit = ui.queue.settings.max_file_size;
  return h("div", { class: "ik-empty" }, [
    icon("upload"),
    h("strong", {}, STRINGS.dropTitle),
    h("span", { class: "ik-quiet-text" }, STRINGS.dropHint),
    h("div", { class: "ik-buttons" }, [
      button({ sign: "plus", text: STRINGS.add, kind: "ik-primary", press: () => ui.intake.chooseFiles() }),
      button({ sign: "folder", text: STRINGS.addFolder, press: () => ui.intake.chooseFolder() }),
    ]),
    limit ? h("span", { class: "ik-quiet-text" }, STRINGS.limit(bytesText(limit))) : null,
  ]);
}
