// The content of picture files: what can be edited, and the bytes of an edited picture.

import { h } from "./dom.js";
import { turnedSize, UNEDITED } from "./picture.js";

const MAX_PIXELS = 64e6; // of the original: a bitmap takes four bytes for each
const HEAD = 1 << 20; // bytes in which the size of a JPEG must be found
const QUALITY = 0.92;

/** @typedef {import("./picture.js").PictureEdits} PictureEdits */
/** @typedef {keyof typeof import("./strings.js").STRINGS.cannotEdit} Obstacle */

/** Why a picture cannot be edited here. */
export class PictureError extends Error {
  /** @param {Obstacle} obstacle */
  constructor(obstacle) {
    super(obstacle);
    this.obstacle = obstacle;
  }
}

/**
 * Return the format of a picture by its content, with its size if it is in the first part of the file, and whether its
 * colors are those of printing. Throw `PictureError` if it cannot be edited.
 * @param {Blob} file
 */
export async function pictureFormat(file) {
  const bytes = new Uint8Array(await file.slice(0, HEAD).arrayBuffer());
  const view = new DataView(bytes.buffer);
  const format = [readJpeg, readPng, readWebp].map((read) => read(view)).find((found) => found !== null);
  if (!format) throw new PictureError(textAt(view, 0, 4) === "GIF8" ? "animated" : "format");
  if (format.animated) throw new PictureError("animated");
  if (format.pixels > MAX_PIXELS) throw new PictureError("large");
  return format;
}

/** @param {DataView} view @param {number} at @param {number} length */
function textAt(view, at, length) {
  if (at + length > view.byteLength) return "";
  return String.fromCharCode(...new Uint8Array(view.buffer, at, length));
}

/** @param {DataView} view */
function readPng(view) {
  if (textAt(view, 1, 3) !== "PNG" || view.byteLength < 33) return null;
  let animated = false;
  for (let at = 8; at + 8 <= view.byteLength && textAt(view, at + 4, 4) !== "IDAT"; at += 12 + view.getUint32(at))
    animated ||= textAt(view, at + 4, 4) === "acTL";
  return { type: "image/png", animated, pixels: view.getUint32(16) * view.getUint32(20), printing: false };
}

/** @param {DataView} view */
function readJpeg(view) {
  if (view.byteLength < 4 || view.getUint16(0) !== 0xffd8) return null;
  const jpeg = { type: "image/jpeg", animated: false, pixels: 0, printing: false };
  for (let at = 2; at + 10 <= view.byteLength && view.getUint8(at) === 0xff; at += 2 + view.getUint16(at + 2)) {
    const marker = view.getUint8(at + 1);
    const isFrame = marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
    if (!isFrame) continue;
    return { ...jpeg, pixels: view.getUint16(at + 5) * view.getUint16(at + 7), printing: view.getUint8(at + 9) === 4 };
  }
  return jpeg;
}

/** @param {DataView} view */
function readWebp(view) {
  if (textAt(view, 0, 4) !== "RIFF" || textAt(view, 8, 4) !== "WEBP" || view.byteLength < 30) return null;
  const webp = { type: "image/webp", animated: false, pixels: 0, printing: false };
  if (textAt(view, 12, 4) !== "VP8X") return webp; // at most 16,383 pixels wide and high
  const [width, height] = [24, 27].map((at) => 1 + view.getUint16(at, true) + (view.getUint8(at + 2) << 16));
  return { ...webp, animated: (view.getUint8(20) & 2) > 0, pixels: width * height };
}

/** Return a picture's bitmap, upright. Throw `PictureError` if it cannot be read. @param {Blob} file */
async function bitmapOf(file) {
  const bitmap = await createImageBitmap(file).catch(() => {
    throw new PictureError("broken");
  });
  if (bitmap.width * bitmap.height <= MAX_PIXELS) return bitmap;
  bitmap.close();
  throw new PictureError("large");
}

/**
 * Draw an edited picture, not larger than a side.
 * @param {ImageBitmap | HTMLCanvasElement} source @param {PictureEdits} edits
 */
export function drawEdited(source, edits, side = Infinity) {
  const { width, height } = source;
  const turned = turnedSize(edits, [width, height]);
  const [x, y, cropWidth, cropHeight] = edits.crop ?? [0, 0, ...turned];
  const [fullWidth, fullHeight] = edits.resize ?? [cropWidth, cropHeight];
  const scale = Math.min(1, side / Math.max(fullWidth, fullHeight));
  const size = [fullWidth * scale, fullHeight * scale].map((length) => Math.max(1, Math.round(length)));
  const canvas = h("canvas", { width: size[0], height: size[1] });
  // without the graphics processor, the same picture always has the same bytes
  const context = canvas.getContext("2d", { willReadFrequently: true });
  if (!context) throw new PictureError("large");
  context.imageSmoothingQuality = "high";
  context.imageSmoothingEnabled = size[0] !== cropWidth || size[1] !== cropHeight;
  context.scale(size[0] / cropWidth, size[1] / cropHeight);
  context.translate(-x, -y);
  if (edits.turn === 90) context.transform(0, 1, -1, 0, turned[0], 0);
  if (edits.turn === 180) context.transform(-1, 0, 0, -1, turned[0], turned[1]);
  if (edits.turn === 270) context.transform(0, -1, 1, 0, 0, turned[1]);
  if (edits.mirror) context.transform(-1, 0, 0, 1, width, 0);
  context.drawImage(source, 0, 0);
  return canvas;
}

/** @param {HTMLCanvasElement} canvas @param {string} type @returns {Promise<Blob>} */
async function encoded(canvas, type) {
  /** @type {Blob | null} */
  const blob = await new Promise((resolve) => canvas.toBlob(resolve, type, QUALITY));
  canvas.width = canvas.height = 0; // some browsers keep its memory otherwise
  if (!blob) throw new PictureError("large");
  if (blob.type !== type) throw new PictureError("encode");
  return blob;
}

/**
 * Return the bytes of an edited picture, in the format of the original. Throw `PictureError` if that is not possible.
 * @param {Blob} file @param {PictureEdits} edits
 */
export async function editedBlob(file, edits) {
  const { type } = await pictureFormat(file);
  const bitmap = await bitmapOf(file);
  try {
    return await encoded(drawEdited(bitmap, edits), type);
  } finally {
    bitmap.close();
  }
}

/**
 * Return a small picture of an edited one, as bytes.
 * @param {Blob} file @param {PictureEdits} edits @param {number} side
 */
export async function editedThumbnail(file, edits, side) {
  const bitmap = await bitmapOf(file);
  try {
    return await encoded(drawEdited(bitmap, edits, side), "image/png");
  } finally {
    bitmap.close();
  }
}

/**
 * Return an upright copy of a picture for the screen, not larger than a side, and the size of the original.
 * @param {Blob} file @param {number} side @returns {Promise<{ canvas: HTMLCanvasElement, size: Size }>}
 */
export async function uprightCopy(file, side) {
  const bitmap = await bitmapOf(file);
  try {
    return { canvas: drawEdited(bitmap, UNEDITED, side), size: [bitmap.width, bitmap.height] };
  } finally {
    bitmap.close();
  }
}
