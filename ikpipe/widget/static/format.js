// Sizes, times and file types as text.

import { numberText, STRINGS } from "./strings.js";

/** Compares texts as people do: numbers in them as numbers, without regard to case. */
export const collator = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" });

const UNITS = ["B", "kB", "MB", "GB", "TB"];

/** Return a number of bytes with two or three digits: `812 B`, `4.2 MB`. @param {number} bytes */
export function bytesText(bytes) {
  let unit = 0;
  while (bytes >= 1000 && unit < UNITS.length - 1) {
    bytes /= 1000;
    unit += 1;
  }
  return `${numberText(bytes >= 99.95 ? Math.round(bytes) : Math.round(bytes * 10) / 10)} ${UNITS[unit]}`;
}

/** Return a duration: `8 s`, `3 min`, `1 h 20 min`. @param {number} seconds */
export function timeText(seconds) {
  if (seconds < 60) return STRINGS.seconds(Math.max(1, Math.round(seconds)));
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return STRINGS.minutes(minutes);
  return STRINGS.hours(Math.floor(minutes / 60), minutes % 60);
}

/** Return a video's duration: `0:08`, `12:30`, `1:02:05`. @param {number} seconds */
export function clockText(seconds) {
  const whole = Math.round(seconds);
  const two = (/** @type {number} */ n) => String(n).padStart(2, "0");
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  return hours ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
}

/**
 * Return a row's file type, `JPEG` for `image/jpeg`; without a short media type, the name's extension.
 * @param {Row} row
 */
export function kindText(row) {
  const [, extension = ""] = /\.([a-z0-9]{1,5})$/i.exec(row.name || "") ?? [];
  const [, subtype = ""] = /^[^/]+\/(?:x-|vnd\.)?([a-z0-9.-]+?)(?:\+xml)?$/i.exec(row.kind || "") ?? [];
  const word = subtype.length <= 5 ? subtype || extension : extension || subtype;
  return word.slice(0, 8).toUpperCase();
}

/** Return a name's extension with its dot, `""` if it has none. @param {string} name */
export const extensionOf = (name) => /.(\.(?=\d*[a-z])[a-z0-9]{1,8})$/i.exec(name)?.[1] ?? "";

// File types, which a typed name can end with; `extensions.py` has the same.
const FILE_TYPES = new Set([
  "3gp", "aac", "ai", "avi", "avif", "bmp", "css", "csv", "doc", "docx", "eps", "flac", "flv", "gif", "glb",
  "gltf", "heic", "heif", "htm", "html", "ico", "jpe", "jpeg", "jpg", "js", "json", "jxl", "m4a", "m4v", "md",
  "mkv", "mov", "mp3", "mp4", "mpeg", "mpg", "odp", "ods", "odt", "oga", "ogg", "ogv", "otf", "pdf", "png",
  "ppt", "pptx", "ps", "psd", "rar", "rtf", "svg", "tif", "tiff", "ttf", "txt", "wav", "weba", "webm",
  "webmanifest", "webp", "wmv", "woff", "woff2", "xls", "xlsx", "xml", "zip",
]);

/**
 * Return the name that a text means for a file: with its extension, unless the text ends with that of a file type.
 * @param {string} name the file's name so far @param {string} text
 */
export function newName(name, text) {
  const own = extensionOf(name);
  const [, typed = ""] = /.\.([a-z0-9]+)$/i.exec(text) ?? [];
  const isWhole = FILE_TYPES.has(typed.toLowerCase()) || text.toLowerCase().endsWith(own.toLowerCase());
  return isWhole ? text : text + own;
}

/** @type {[Family, RegExp][]} */
const EXTENSIONS = [
  ["image", /\.(jpe?g|png|gif|webp|avif|svg|bmp|ico)$/],
  ["video", /\.(mp4|webm|mov|m4v|ogv)$/],
  ["audio", /\.(mp3|wav|ogg|m4a|flac)$/],
];

/** Return the family of a row's media type, else of its extension. @type {(row: Row) => Family} */
export function familyOf(row) {
  const [prefix] = (row.kind || "").split("/");
  const name = (row.name || "").toLowerCase();
  const entry =
    EXTENSIONS.find(([family]) => family === prefix) ?? EXTENSIONS.find(([, pattern]) => pattern.test(name));
  return entry?.[0] ?? "other";
}

/** @param {Row} row */
export const sizeText = (row) => (row.size === null || row.size === undefined ? "" : bytesText(row.size));

/**
 * Return an address if it is one of the web, since others must not become links; else null.
 * @param {string | undefined} address
 */
export const webAddress = (address) => (address && /^https?:\/\//i.test(address) ? address : null);
