// Edited pictures of a queue: their bytes are made when they are needed, from the original, one after another.

import { areaAfter, areaBefore, editedSize, editsOfPicture, operationsOf, simplified } from "./picture.js";
import { hashOf } from "./hashing.js";
import { editedBlob, editedThumbnail } from "./picture-file.js";
import { isBusy } from "./states.js";
import { limitArea, parseArea } from "./focus-area.js";

const MAX_KEPT = 64e6; // bytes of edited pictures that are kept for a retry

/** @typedef {import("./picture.js").PictureEdits} PictureEdits */

export class Pictures {
  /** @param {Queue} queue */
  constructor(queue) {
    this.queue = queue;
    /** @type {Promise<unknown>} */
    this.last = Promise.resolve(); // one bitmap at a time, since each can take hundreds of megabytes
    /** @type {Map<string, { key: string, blob: Blob, hash: string }>} */
    this.kept = new Map(); // by row, the oldest first
    /** @type {Map<string, string>} */
    this.renewed = new Map(); // rows whose picture has other bytes than it had, with the edits to be sent
    queue.on("removed", (ids) => ids.forEach((/** @type {string} */ id) => this.kept.delete(id)));
    queue.store.on("rows", (changed) => this.renewed.size && this.renew(queue.store.all(changed)));
  }

  /** Run a function after those before it. @template T @param {() => Promise<T>} make @returns {Promise<T>} */
  inTurn(make) {
    const result = this.last.then(make);
    this.last = result.catch(() => {});
    return result;
  }

  /** Return the bytes of an edited picture, and their hash. @param {string} id @param {File} file @param {PictureEdits} edits */
  async make(id, file, edits) {
    const key = JSON.stringify([operationsOf(edits), file.name, file.size, file.lastModified]);
    return this.inTurn(async () => {
      const kept = this.kept.get(id);
      if (kept?.key === key) return kept;
      const blob = await editedBlob(file, edits);
      const made = { key, blob, hash: (await hashOf(blob)) ?? "" };
      this.keep(id, made);
      return made;
    });
  }

  /** @param {string} id @param {{ key: string, blob: Blob, hash: string }} made */
  keep(id, made) {
    this.kept.delete(id);
    this.kept.set(id, made);
    let bytes = [...this.kept.values()].reduce((sum, { blob }) => sum + blob.size, 0);
    for (const [oldest, { blob }] of this.kept) {
      if (bytes <= MAX_KEPT) return;
      bytes -= blob.size;
      this.kept.delete(oldest);
    }
  }

  /** Return what is shown of a row: its file, or its edited picture. @param {Row} row @param {File} file */
  async fileOf(row, file) {
    return row.picture ? (await this.make(row.id, file, editsOfPicture(row))).blob : file;
  }

  /** Return a thumbnail of an edited picture. @param {Row} row @param {File} file @param {number} side */
  thumbnail(row, file, side) {
    return this.inTurn(() => editedThumbnail(file, editsOfPicture(row), side));
  }

  /**
   * Return the file to send; null if the picture has other bytes than those whose upload was signed. Another browser
   * makes others: then they are announced, and sent in a new upload.
   * @param {string} id @param {File} file
   */
  async fileToSend(id, file) {
    const row = this.queue.store.get(id);
    if (!row?.picture) return file;
    const { blob, hash } = await this.make(id, file, editsOfPicture(row));
    const { picture } = row;
    if (blob.size === picture.size && (!hash || !picture.hash || hash === picture.hash)) return blob;
    this.renewed.set(id, JSON.stringify({ ...picture, size: blob.size, hash }));
    return null;
  }

  /** Upload pictures again whose upload ended because they have other bytes now. @param {Row[]} rows */
  async renew(rows) {
    for (const row of rows) {
      const { id } = row;
      const text = this.renewed.get(id);
      if (text === undefined || isBusy(row)) continue;
      this.renewed.delete(id);
      if (row.state === "failed" && (await this.queue.edit([id], "picture", text))) this.queue.send([id]);
    }
  }

  /**
   * Edit the picture of a row, as one step, with its focus area; return the step's name, and whether the area was
   * lost. Throw `PictureError` if the picture cannot be edited.
   * @param {Row} row @param {PictureEdits} edits @param {Size} size of the original
   */
  async edit(row, edits, size) {
    const file = this.queue.files.get(row.id)?.file;
    const wanted = simplified(edits, size);
    const operations = operationsOf(wanted);
    /** @type {string | null} */
    let text = null;
    if (file && operations.length) {
      const { blob, hash } = await this.make(row.id, file, wanted);
      const [width, height] = editedSize(wanted, size);
      text = JSON.stringify({ operations, width, height, size: blob.size, hash });
    }
    const area = parseArea(row.coordinates);
    const moved = area && areaAfter(areaBefore(area, editsOfPicture(row), size), wanted, size);
    const limited = moved && limitArea(moved, editedSize(wanted, size));
    const step = this.queue.history.together(() => {
      this.queue.edit([row.id], "picture", text);
      if (area && String(area) !== String(limited))
        this.queue.edit([row.id], "custom_coordinates", limited ? limited.join(",") : null);
    });
    return { step, lostArea: area !== null && !limited };
  }
}
