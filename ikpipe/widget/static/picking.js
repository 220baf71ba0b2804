// Picking files: the file chooser, dropped files and folders, the clipboard.

import { button, h } from "./dom.js";
import { askAboutTables, isTable } from "./dropped-tables.js";
import { bytesText, collator } from "./format.js";
import { openFolderDialog } from "./folder-dialog.js";
import { chooseFolderHandles, chooseHandles, droppedHandles } from "./handles.js";
import { icon } from "./icons.js";
import { addLinks, linksIn, openLinkDialog } from "./links.js";
import { isJunk } from "./junk.js";
import { sortOutListed } from "./listed.js";
import { openPaste } from "./pasting.js";
import { STRINGS } from "./strings.js";

const COUNT_INTERVAL = 100; // files between two messages about a folder that is being read

export class FilePicker {
  /** @param {Ui} ui */
  constructor(ui) {
    this.ui = ui;
    this.depth = 0; // a drag enters and leaves each element on its way
    const add = (/** @type {PickedFile[]} */ files) => this.add(files);
    const again = (/** @type {PickedFile[]} */ files) => ui.queue.chooseAgain(files);
    this.files = this.createInput({ multiple: true }, add);
    this.folder = this.createInput({ webkitdirectory: true }, add);
    this.camera = this.createInput({ accept: "image/*", capture: "environment" }, add);
    this.filesAgain = this.createInput({ multiple: true }, again);
    this.folderAgain = this.createInput({ webkitdirectory: true }, again);
    this.overlay = h(
      "div",
      { class: "ik-overlay", hidden: true },
      icon("upload"),
      h("strong", {}, STRINGS.dropNow),
      h("span", {}, STRINGS.dropNowHint),
    );
    ui.cleanup.listen(ui.root, "dragenter", (event) => this.dragged(event, 1));
    ui.cleanup.listen(ui.root, "dragover", (event) => this.dragged(event, 0));
    ui.cleanup.listen(ui.root, "dragleave", (event) => this.dragged(event, -1));
    ui.cleanup.listen(ui.root, "drop", (event) => this.dropped(event));
    ui.cleanup.listen(ui.root, "paste", (event) => this.pasted(event));
  }

  /** @param {Attributes} attributes @param {(files: PickedFile[]) => void} take */
  createInput(attributes, take) {
    const onchange = () => {
      take(chosenFiles(input.files ?? []).sort(byPath));
      input.value = ""; // the same file can be chosen again
    };
    const input = h("input", { type: "file", hidden: true, tabindex: "-1", onchange, ...attributes });
    return input;
  }

  get elements() {
    return [this.files, this.folder, this.camera, this.filesAgain, this.folderAgain, this.overlay];
  }

  async chooseFiles() {
    const files = this.keepsFiles ? await chooseHandles() : null;
    if (files) this.add(files.sort(byPath));
    else this.files.click();
  }

  async chooseFolder() {
    const files = this.keepsFiles ? await chooseFolderHandles() : null;
    if (files) this.add(files.sort(byPath));
    else this.folder.click();
  }

  /** Open the camera of a phone or tablet. */
  takePhoto() {
    this.camera.click();
  }

  get keepsFiles() {
    return Boolean(this.ui.queue.handles.account);
  }

  chooseAgain() {
    this.filesAgain.click();
  }

  chooseFolderAgain() {
    this.folderAgain.click();
  }

  /** @param {DragEvent} event @param {number} step */
  dragged(event, step) {
    if (event.dataTransfer?.types.includes("text/uri-list")) event.preventDefault(); // so that it can be dropped
    const transfer = takeFiles(event);
    if (!transfer) return;
    transfer.dropEffect = "copy";
    this.depth = Math.max(0, this.depth + step);
    this.overlay.hidden = this.depth === 0;
  }

  /** @param {DragEvent} event */
  async dropped(event) {
    const links = event.dataTransfer && takeLinks(event, event.dataTransfer);
    if (links) return this.addLinks(links);
    const transfer = takeFiles(event);
    if (!transfer) return;
    this.depth = 0;
    this.overlay.hidden = true;
    this.ui.root.focus({ preventScroll: true });
    const kept = this.keepsFiles ? droppedHandles(transfer) : null;
    const files = await (kept ?? droppedFiles(transfer, (n) => {
      if (n % COUNT_INTERVAL === 0) this.ui.announce(STRINGS.reading(n), { visible: true });
    }));
    if (files.length) this.add(files.sort(byPath));
    else this.ui.announce(STRINGS.noFiles, { visible: true });
  }

  /** @param {On<ClipboardEvent>} event */
  pasted(event) {
    const { target, clipboardData } = event;
    if (target.matches("input, textarea") || !clipboardData) return;
    const links = takeLinks(event, clipboardData);
    if (links) return this.addLinks(links);
    if (this.pasteColumn(event, clipboardData)) return;
    if (!clipboardData.files.length) return;
    event.preventDefault();
    event.stopPropagation();
    this.add(pastedFiles(clipboardData));
  }

  /**
   * Offer to paste lines into a column, such as those of a spreadsheet, and return whether there are any.
   * @param {Event} event @param {DataTransfer} data
   */
  pasteColumn(event, data) {
    const lines = data.files.length ? [] : data.getData("text/plain").replace(/\r?\n$/, "").split(/\r?\n/);
    const isOneCell = lines.length < 2 && !lines[0]?.includes("\t");
    if (isOneCell || !this.ui.store.rows.size || this.ui.isOff()) return false;
    event.preventDefault();
    event.stopPropagation();
    openPaste(this.ui, lines.map((line) => line.split("\t").map((cell) => cell.trim())));
    return true;
  }

  /** @param {string[]} urls */
  addLinks(urls) {
    this.ui.root.focus({ preventScroll: true });
    if (!this.ui.isOff()) addLinks(this.ui.queue, urls);
  }

  chooseLinks() {
    openLinkDialog(this.ui);
  }

  /** Add files, but those that are in the list, and tables, as the user decides. @param {PickedFile[]} files */
  add(files) {
    this.addFiles(files.filter((picked) => !isTable(picked)));
    if (!this.ui.isOff()) askAboutTables(this.ui, files.filter(isTable), (picked) => this.addFiles([picked]));
  }

  /** @param {PickedFile[]} files */
  addFiles(files) {
    const { queue } = this.ui;
    const { fresh, listed } = sortOutListed(queue, files);
    queue.add(fresh);
    if (!listed.length) return;
    const press = () => queue.add(listed);
    queue.emit("offer", { icon: "copy", text: STRINGS.alreadyListed(listed.length), action: STRINGS.addAnyway, press });
  }
}

/**
 * Order by folders, then names, with numbers as numbers; a folder's own files come before those in its subfolders.
 * @param {PickedFile} a @param {PickedFile} b
 */
const byPath = (a, b) => collator.compare(a.path, b.path) || collator.compare(a.file.name, b.file.name);

/**
 * Return the links that are dropped or pasted without a file; the event is kept from the notebook then.
 * @param {Event} event @param {DataTransfer} data
 */
function takeLinks(event, data) {
  if (data.files.length || data.types.includes("Files")) return null;
  const links = linksIn(data.getData("text/uri-list") || data.getData("text/plain"));
  if (!links) return null;
  event.preventDefault();
  event.stopPropagation();
  return links;
}

/**
 * Return what a drag carries if there are files in it, and keep the event from the notebook.
 * @param {DragEvent} event
 */
function takeFiles(event) {
  if (!event.dataTransfer?.types.includes("Files")) return null;
  event.preventDefault();
  event.stopPropagation();
  return event.dataTransfer;
}

/** Create what is shown before there are files: all of it can be clicked. @param {Ui} ui */
export function emptyState(ui) {
  const limit = ui.queue.settings.max_file_size;
  const onclick = (/** @type {On<MouseEvent>} */ event) => event.target.closest("button") || ui.picker.chooseFiles();
  return h("div", { class: "ik-empty", onclick }, [
    icon("upload"),
    h("strong", {}, STRINGS.dropTitle),
    h("span", { class: "ik-quiet-text" }, [
      STRINGS.dropHint,
      limit ? h("span", {}, ` ${STRINGS.limit(bytesText(limit))}`) : null,
    ]),
    h("div", { class: "ik-buttons" }, [
      button({ icon: "plus", text: STRINGS.add, kind: "ik-primary", press: () => ui.picker.chooseFiles() }),
      button({ icon: "camera", text: STRINGS.takePhoto, kind: "ik-camera", press: () => ui.picker.takePhoto() }),
      button({ icon: "folder", text: STRINGS.addFolder, press: () => ui.picker.chooseFolder() }),
      button({ icon: "link", text: STRINGS.addLinks, press: () => ui.picker.chooseLinks() }),
      ui.queue.settings.root ? button({ icon: "server", text: STRINGS.serverFolder.add, press: () => openFolderDialog(ui) }) : null,
    ]),
  ]);
}

/** Return the files of an `<input>`. @param {Iterable<File>} list @returns {PickedFile[]} */
function chosenFiles(list) {
  return [...list]
    .filter((file) => !isJunk(file.name) && !isHiddenInFolder(file.webkitRelativePath))
    .map((file) => ({ file, path: folderOf(file.webkitRelativePath) }));
}

/** Whether a path is hidden below the folder that was picked; the picked folder itself may be. @param {string} path */
const isHiddenInFolder = (path) =>
  path
    .split("/")
    .slice(1)
    .some((name) => name.startsWith("."));

/** @param {string} path */
const folderOf = (path) => path.replace(/^\//, "").split("/").slice(0, -1).join("/");

/**
 * Return dropped files, also those in folders. Entries are read at once, since the browser forgets them.
 * @param {DataTransfer} transfer @param {(n: number) => void} onCount
 */
async function droppedFiles(transfer, onCount) {
  const entries = [...transfer.items].flatMap((item) => item.webkitGetAsEntry() ?? []);
  if (!entries.length) return chosenFiles(transfer.files);
  /** @type {PickedFile[]} */
  const files = [];
  for (const entry of entries) await collectFiles(entry, files, onCount);
  return files;
}

/** @param {FileSystemEntry} entry @param {PickedFile[]} files @param {(n: number) => void} onCount */
async function collectFiles(entry, files, onCount) {
  if (entry.isFile) {
    const file = await readFile(/** @type {FileSystemFileEntry} */ (entry));
    if (file && !isJunk(file.name)) files.push({ file, path: folderOf(entry.fullPath) });
    onCount(files.length);
    return;
  }
  const reader = /** @type {FileSystemDirectoryEntry} */ (entry).createReader();
  // a reader returns a folder in batches, and an empty one at the end
  for (let batch = await readBatch(reader); batch.length; batch = await readBatch(reader)) {
    for (const child of batch) if (!child.name.startsWith(".")) await collectFiles(child, files, onCount);
  }
}

/** @type {(entry: FileSystemFileEntry) => Promise<File | null>} */
const readFile = (entry) => new Promise((resolve) => entry.file(resolve, () => resolve(null)));

/** @type {(reader: FileSystemDirectoryReader) => Promise<FileSystemEntry[]>} */
const readBatch = (reader) => new Promise((resolve) => reader.readEntries(resolve, () => resolve([])));

/**
 * Return pasted files. A picture is always called `image.png`, so the time becomes its name.
 * @param {DataTransfer} clipboard @returns {PickedFile[]}
 */
function pastedFiles(clipboard) {
  return [...clipboard.files].map((file, n) => {
    if (!/^image\.\w+$/.test(file.name)) return { file, path: "" };
    const name = STRINGS.pasted(timestamp(new Date(), n), file.name.split(".").pop());
    return { file: new File([file], name, { type: file.type, lastModified: file.lastModified }), path: "" };
  });
}

/**
 * Return the local time as `20261130-154610`, with a number from the second file on.
 * @param {Date} now @param {number} n
 */
function timestamp(now, n) {
  const two = (/** @type {number} */ number) => String(number).padStart(2, "0");
  const day = `${now.getFullYear()}${two(now.getMonth() + 1)}${two(now.getDate())}`;
  const time = `${two(now.getHours())}${two(now.getMinutes())}${two(now.getSeconds())}`;
  return n ? `${day}-${time}-${n + 1}` : `${day}-${time}`;
}
