// Parts of rows that the table, the gallery and the preview have in common.

import { h, setAttribute } from "./dom.js";
import { webAddress } from "./format.js";
import { icon } from "./icons.js";
import { isNotUploaded, isUploaded, STATE_ICONS } from "./states.js";
import { STRINGS } from "./strings.js";

/** Create a progress bar, which `fillBar` fills. @param {string} label */
export function progressBar(label) {
  const range = { "aria-valuemin": "0", "aria-valuemax": "100" };
  return h("div", { class: "ik-bar", role: "progressbar", "aria-label": label, ...range }, h("span"));
}

/** Fill a bar to a share of 0 to 1; null is unknown. @param {Element} bar @param {number | null} share */
export function fillBar(bar, share) {
  const percent = share === null ? null : Math.round(share * 100);
  setAttribute(bar, "aria-valuenow", percent);
  bar.classList.toggle("ik-bar-unsure", percent === null);
  const fill = bar.querySelector("span");
  if (fill) fill.style.width = percent === null ? "" : `${percent}%`;
}

/**
 * Return a row's state as the user sees it: with all bytes sent and no reply yet, "processing".
 * @type {(store: Store, row: Row) => ShownState}
 */
export function shownState(store, row) {
  const progress = store.progress.get(row.id);
  if (row.changing) return "changing";
  if (store.cancelling.has(row.id)) return "cancelling";
  if (store.checking.has(row.id)) return "checking";
  if (row.state === "sending" && progress?.total && progress.loaded >= progress.total) return "processing";
  if (row.state === "queued" && progress) return "sending";
  return row.state;
}

/** Return how much of a row is sent, 0 to 1, or null if unknown. @param {Store} store @param {Row} row */
export function shareOf(store, row) {
  const progress = store.progress.get(row.id);
  return progress?.total ? progress.loaded / progress.total : null;
}

/** @param {Row} row */
export const folderText = (row) => row.folder || STRINGS.root;

/** Return the name under which a row's file is stored, if it is another than the row's; else `""`. @param {Row} row */
export function storedName(row) {
  const stored = (isUploaded(row) && row.result?.path?.split("/").pop()) || row.name;
  return stored === row.name ? "" : stored;
}

/** Return why a row needs attention or was not uploaded, in one line. @param {Row} row */
export function noteOf(row) {
  if (row.state === "invalid") return row.problems?.[0]?.message || "";
  if (isNotUploaded(row)) return row.result?.message || STRINGS.stateHints[row.state] || "";
  return "";
}

/** @param {ShownState} state */
export function stateIcon(state) {
  return h("span", { class: `ik-sign ik-is-${state}` }, icon(STATE_ICONS[state]));
}

/** Create the mark that shows whether a row is selected. */
export function selectionMark() {
  return h("span", { class: "ik-mark", "aria-hidden": "true" }, icon("check"));
}

/**
 * Fill a part only if what it shows has changed: new buttons would lose the focus.
 * @param {Item} item @param {string} part @param {string} key @param {() => void} fill
 */
export function fillIfChanged(item, part, key, fill) {
  if (item.ik.shown[part] === key) return;
  item.ik.shown[part] = key;
  fill();
}

/**
 * Create a link that opens an uploaded file in another tab.
 * @param {string | undefined} url @param {Attributes} attributes @param {...Child} children
 */
export function fileLink(url, attributes, ...children) {
  const fixed = { href: webAddress(url), target: "_blank", rel: "noopener noreferrer" };
  return h("a", { ...fixed, ...attributes }, icon("visit"), ...children);
}

/** Whether a file is private, also by default. @param {Ui} ui @param {Row} row */
export const isPrivate = (ui, row) => row.private ?? ui.queue.settings.defaults?.is_private_file ?? false;

/** Create the sign of a private file. */
export function privateSign() {
  const label = { role: "img", "aria-label": STRINGS.privateFile, title: STRINGS.privateFile };
  return h("span", { class: "ik-private", ...label }, icon("lock"));
}

/** Return the row or card that an element is in. @param {Element} element @returns {HTMLElement | null} */
export const itemAt = (element) => element.closest("[data-id]");

/** Return the row that a row or card of the page shows. @param {HTMLElement} item */
export const idOf = (item) => item.dataset.id ?? "";
