// What is known of a file: its path and stored name, its URL, its type, size and tags.

import { copyRows } from "./copy.js";
import { button, h } from "./dom.js";
import { kindText, sizeText, webAddress } from "./format.js";
import { pictureText } from "./picture.js";
import { fileLink, folderText, storedName } from "./row-parts.js";
import { isUploaded } from "./states.js";
import { STRINGS } from "./strings.js";

/**
 * Create the list of a row's details; `edited` if description and tags have fields next to it.
 * @param {Row} row @param {[number, number] | null} pixels
 */
export function factList(row, pixels = null, edited = false) {
  const { path } = row.result ?? {};
  const facts = [
    path ? [STRINGS.path, path] : [STRINGS.columns.folder, folderText(row)],
    [STRINGS.columns.name, storedName(row) ? STRINGS.storedAs(storedName(row)) : ""],
    [STRINGS.columns.kind, [kindText(row), pixels && STRINGS.pixels(...pixels)].filter(Boolean).join(", ")],
    [STRINGS.columns.size, sizeText(row)],
    [STRINGS.pictureEdits, edited ? "" : pictureText(row)],
    [STRINGS.columns.tags, edited ? "" : (row.tags || []).join(", ")],
    [STRINGS.fields.is_private_file, row.private ? STRINGS.isPrivate : ""],
    [STRINGS.fields.description, edited ? "" : row.description],
    [STRINGS.url, isUploaded(row) && row.result?.url],
  ].filter(([, text]) => text);
  const items = facts.map(([name, text]) => h("div", {}, h("dt", {}, name), h("dd", {}, text)));
  return h("dl", { class: "ik-facts" }, items);
}

/** Return the details of a file that cannot be changed, with what can be done with it. @param {Ui} ui @param {Row} row */
export function fileDetails(ui, row) {
  return [h("p", { class: "ik-file-name" }, row.name), factList(row), ...linkButtons(ui, row)];
}

/** Return buttons that open and copy an uploaded file's link. @param {Ui} ui @param {Row} row */
function linkButtons(ui, row) {
  const { url } = row.result ?? {};
  if (!isUploaded(row) || !webAddress(url)) return [];
  const copy = button({ icon: "copy", text: STRINGS.copyUrl, press: () => copyRows(ui, [row], "url") });
  return [h("div", { class: "ik-buttons" }, fileLink(url, { class: "ik-button" }, STRINGS.openUrl), copy)];
}
