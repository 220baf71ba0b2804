// Files as people give them: chosen, dropped as folders, pasted.

import { STRINGS } from "./strings.js";

const JUNK = new Set([".DS_Store", "Thumbs.db", "desktop.ini"]); // what systems leave in folders

/** Take files from an `<input>`: [{file, path}]. */
export function chosenFiles(list) {
  return [...list]
    .filter((file) => !JUNK.has(file.name) && !hiddenIn(file.webkitRelativePath))
    .map((file) => ({ file, path: folderOf(file.webkitRelativePath) }));
}

/** Tell whether a path below a folder that was given is of something hidden; what is given itself is taken. */
const hiddenIn = (path) => (path || "").split("/").slice(1).some((name) => name.startsWith("."));

const folderOf = (path) => (path || "").replace(/^\//, "").split("/").slice(0, -1).join("/");

/** Take files and whole folders from a drop. Its entries must be asked for at once: later the browser forgets them. */
export async function droppedFiles(transfer, onCount) {
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
export function pastedFiles(clipboard) {
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

export const carriesFiles = (transfer) => Boolean(transfer) && [...transfer.types].includes("Files");
