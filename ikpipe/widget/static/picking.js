// The ways in: the file chooser, folders, the mouse, the clipboard.

import { button, Cleanup, h } from "./dom.js";
import { bytesText } from "./format.js";
import { icon } from "./icons.js";
import { STRINGS } from "./strings.js";

const JUNK = new Set([".DS_Store", "Thumbs.db", "desktop.ini"]); // what systems leave in folders

export class FilePicker {
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
    this.ends = new Cleanup();
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
      button({ sign: "plus", text: STRINGS.add, kind: "ik-primary", press: () => ui.picker.chooseFiles() }),
      button({ sign: "folder", text: STRINGS.addFolder, press: () => ui.picker.chooseFolder() }),
    ]),
    limit ? h("span", { class: "ik-quiet-text" }, STRINGS.limit(bytesText(limit))) : null,
  ]);
}

/** Take files from an `<input>`: [{file, path}]. */
function chosenFiles(list) {
  return [...list]
    .filter((file) => !JUNK.has(file.name) && !hiddenIn(file.webkitRelativePath))
    .map((file) => ({ file, path: folderOf(file.webkitRelativePath) }));
}

/** Tell whether a path below a folder that was given is of something hidden; what is given itself is taken. */
const hiddenIn = (path) => (path || "").split("/").slice(1).some((name) => name.startsWith("."));

const folderOf = (path) => (path || "").replace(/^\//, "").split("/").slice(0, -1).join("/");

/** Take files and whole folders from a drop. Its entries must be asked for at once: later the browser forgets them. */
async function droppedFiles(transfer, onCount) {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry && item.webkitGetAsEntry()).filter(Boolean);
  if (!entries.length) return chosenFiles(transfer.files);
  const found = [];
  for (const entry of entries) await walk(entry, found, onCount);
  return found;
}

async function walk(entry, found, onCount) {
  if (entry.isFile) {
    const file = await new Promise((resolve) => entry.file(resolve, () => resolve(null)));
    if (file && !JUNK.has(file.name)) found.push({ file, path: folderOf(entry.fullPath) });
    onCount(found.length);
    return;
  }
  const reader = entry.createReader();
  // a reader gives a folder in portions, and an empty one at its end
  for (let some = await readSome(reader); some.length; some = await readSome(reader)) {
    for (const child of some) if (!child.name.startsWith(".")) await walk(child, found, onCount);
  }
}

const readSome = (reader) => new Promise((resolve) => reader.readEntries(resolve, () => resolve([])));

/** Take files from the clipboard. A pasted picture is always called `image.png`: it gets a name by the time. */
function pastedFiles(clipboard) {
  return [...clipboard.files].map((file, n) => {
    if (!/^image\.\w+$/.test(file.name)) return { file, path: "" };
    const name = STRINGS.pasted(stampOf(new Date(), n), file.name.split(".").pop());
    return { file: new File([file], name, { type: file.type, lastModified: file.lastModified }), path: "" };
  });
}

function stampOf(now, n) {
  const two = (number) => String(number).padStart(2, "0");
  const day = `${now.getFullYear()}${two(now.getMonth() + 1)}${two(now.getDate())}`;
  const time = `${two(now.getHours())}${two(now.getMinutes())}${two(now.getSeconds())}`;
  return n ? `${day}-${time}-${n + 1}` : `${day}-${time}`;
}

const carriesFiles = (transfer) => Boolean(transfer) && [...transfer.types].includes("Files");
