// What a row's file looks like: a picture, a video or an icon, from the best source that there is.

import { h } from "./dom.js";
import { familyOf, webAddress } from "./format.js";
import { icon } from "./icons.js";
import { isUploaded } from "./states.js";
import { STRINGS } from "./strings.js";

/** @typedef {{ address: string | null, pixels?: [number, number] }} MediaSource */
/** @typedef {(picture: HTMLElement, size: [number, number]) => void} OnPicture */

/**
 * Return the best source: the file itself, its URL, or a picture from the kernel, with the file's size in `pixels`.
 * @param {Ui} ui @param {Row} row @returns {Promise<MediaSource>}
 */
export async function sourceOf(ui, row) {
  const file = ui.queue.files.get(row.id)?.file;
  if (file) return ui.queue.pictures.fileOf(row, file).then(addressOf, () => ({ address: null }));
  if (row.source === "url") return { address: webAddress(row.href) };
  if (row.source === "browser") return { address: isUploaded(row) ? webAddress(row.result?.url) : null };
  if (familyOf(row) !== "image" && familyOf(row) !== "video") return { address: null };
  return ui.thumbnails.request(row.id, "large");
}

/** @param {Blob} blob */
const addressOf = (blob) => ({ address: URL.createObjectURL(blob) });

/**
 * Create an element for a row's file; `shown` is called with a picture that has loaded, and its size.
 * @param {Row} row @param {MediaSource} source @param {OnPicture} shown
 */
export function mediaElement(row, { address, pixels }, shown) {
  const family = familyOf(row);
  if (!address || (family === "other" && row.kind)) return noPreview(row);
  const onerror = () => element.replaceWith(noPreview(row));
  if (family === "video" || family === "audio") {
    const element = h(family, { src: address, controls: true, onerror: () => element.replaceWith(noPreview(row)) });
    return element;
  }
  const fixed = { referrerpolicy: "no-referrer", draggable: "false" };
  const image = h("img", { src: address, alt: row.description || row.name, ...fixed, onerror });
  const element = h("div", { class: "ik-picture" }, image);
  // the kernel's picture is a smaller one
  image.addEventListener("load", () => shown(element, pixels || [image.naturalWidth, image.naturalHeight]));
  return element;
}

/** @param {Row} row */
function noPreview(row) {
  return h("div", { class: "ik-no-preview" }, icon(familyOf(row)), h("p", {}, STRINGS.noPreview));
}
