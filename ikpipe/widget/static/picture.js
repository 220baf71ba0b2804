// Edits of a picture before its upload: it is mirrored, rotated, cropped and resized, in this order.

import { STRINGS } from "./strings.js";

/** @typedef {{ mirror: boolean, turn: number, crop: Rect | null, resize: Size | null }} PictureEdits */

/** @type {PictureEdits} */
export const UNEDITED = { mirror: false, turn: 0, crop: null, resize: null };

/** Return the edits of a row's picture, as the kernel keeps them. @param {Row} row @returns {PictureEdits} */
export function editsOfPicture({ picture }) {
  /** @type {Map<string, number[]>} */
  const values = new Map(picture?.operations.map(([name, ...numbers]) => [name, numbers]));
  return {
    mirror: values.has("mirror"),
    turn: values.get("rotate")?.[0] ?? 0,
    crop: /** @type {Rect | undefined} */ (values.get("crop")) ?? null,
    resize: /** @type {Size | undefined} */ (values.get("resize")) ?? null,
  };
}

/** Return edits without those that change nothing in a picture of a size. @param {PictureEdits} edits @param {Size} size */
export function simplified(edits, size) {
  const turned = turnedSize(edits, size);
  const whole = edits.crop && String(edits.crop) === String([0, 0, ...turned]);
  const crop = whole ? null : edits.crop;
  const before = crop ? [crop[2], crop[3]] : turned;
  return { ...edits, crop, resize: String(edits.resize) === String(before) ? null : edits.resize };
}

/** Return edits as the kernel keeps them. @param {PictureEdits} edits @returns {Operation[]} */
export function operationsOf({ mirror, turn, crop, resize }) {
  /** @type {(Operation | false)[]} */
  const operations = [
    mirror && ["mirror"],
    turn > 0 && ["rotate", turn],
    crop !== null && ["crop", ...crop],
    resize !== null && ["resize", ...resize],
  ];
  return operations.filter((operation) => operation !== false);
}

/** Return the size of a rotated picture. @param {PictureEdits} edits @param {Size} size @returns {Size} */
export const turnedSize = ({ turn }, [width, height]) => (turn % 180 ? [height, width] : [width, height]);

/** Return the size of an edited picture. @param {PictureEdits} edits @param {Size} size @returns {Size} */
export function editedSize(edits, size) {
  if (edits.resize) return edits.resize;
  return edits.crop ? [edits.crop[2], edits.crop[3]] : turnedSize(edits, size);
}

/** Return how a rectangle of a picture lies after a rotation to the right. @type {(area: Rect, size: Size) => Rect} */
const turnedRight = ([x, y, width, height], [, fullHeight]) => [fullHeight - y - height, x, height, width];

/** Return how a rectangle of a picture lies in its mirror image. @type {(area: Rect, size: Size) => Rect} */
const mirrored = ([x, y, width, height], [fullWidth]) => [fullWidth - x - width, y, width, height];

/** Return edits with a rotation to the right after them. @param {PictureEdits} edits @param {Size} size */
export function turnRight(edits, size) {
  const crop = edits.crop && turnedRight(edits.crop, turnedSize(edits, size));
  const resize = edits.resize && /** @type {Size} */ ([edits.resize[1], edits.resize[0]]);
  return { ...edits, turn: (edits.turn + 90) % 360, crop, resize };
}

/** Return edits with a reflection from left to right after them. @param {PictureEdits} edits @param {Size} size */
export function flip(edits, size) {
  const crop = edits.crop && mirrored(edits.crop, turnedSize(edits, size));
  return { ...edits, mirror: !edits.mirror, turn: (360 - edits.turn) % 360, crop };
}

/**
 * Return where an area of the original is in the edited picture; null if nothing of it is there.
 * @param {Rect} area @param {PictureEdits} edits @param {Size} size of the original @returns {Rect | null}
 */
export function areaAfter(area, edits, size) {
  let at = edits.mirror ? mirrored(area, size) : area;
  for (let turn = 0, full = size; turn < edits.turn; turn += 90, full = [full[1], full[0]]) at = turnedRight(at, full);
  const [x, y, width, height] = edits.crop ?? [0, 0, ...turnedSize(edits, size)];
  const [toWidth, toHeight] = edits.resize ?? [width, height];
  /** @param {number} edge @param {number} first @param {number} length @param {number} scale */
  const place = (edge, first, length, scale) => Math.round(Math.min(length, Math.max(0, edge - first)) * scale);
  const [scaleX, scaleY] = [toWidth / width, toHeight / height];
  const [left, right] = [at[0], at[0] + at[2]].map((edge) => place(edge, x, width, scaleX));
  const [top, bottom] = [at[1], at[1] + at[3]].map((edge) => place(edge, y, height, scaleY));
  return right > left && bottom > top ? [left, top, right - left, bottom - top] : null;
}

/**
 * Return which area of the original an area of the edited picture is.
 * @param {Rect} area @param {PictureEdits} edits @param {Size} size of the original @returns {Rect}
 */
export function areaBefore(area, edits, size) {
  const turned = turnedSize(edits, size);
  const [x, y, width, height] = edits.crop ?? [0, 0, ...turned];
  const [fromWidth, fromHeight] = edits.resize ?? [width, height];
  const [scaleX, scaleY] = [width / fromWidth, height / fromHeight];
  /** @type {Rect} */
  let at = [x + area[0] * scaleX, y + area[1] * scaleY, area[2] * scaleX, area[3] * scaleY];
  // the rest of a full turn leads back
  for (let turn = edits.turn, full = turned; turn && turn < 360; turn += 90, full = [full[1], full[0]])
    at = turnedRight(at, full);
  return edits.mirror ? mirrored(at, size) : at;
}

/** Return what was done to a row's picture, `""` if nothing was. @param {Row} row */
export function pictureText(row) {
  if (!row.picture) return "";
  const { width, height } = row.picture;
  const { mirror, turn, crop, resize } = editsOfPicture(row);
  const size = STRINGS.pixels(width, height);
  const texts = [
    crop && STRINGS.cropped(size),
    resize && !crop && STRINGS.resized(size),
    turn > 0 && STRINGS.rotated(turn),
    mirror && STRINGS.mirrored,
  ];
  return texts.filter(Boolean).join(" · ");
}
