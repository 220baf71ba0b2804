// Thumbnails, made when they come into view: from files of the page, from URLs, or by the kernel.

import { Cleanup, h } from "./dom.js";
import { clockText, familyOf, webAddress } from "./format.js";
import { icon } from "./icons.js";
import { isUploaded } from "./states.js";

const LONGER_SIDE = 320; // pixels; sharp on screens with two pixels per point
const CACHE_SIZE = 600; // thumbnails
const MAX_RUNNING = 3;
const SCROLL_DELAY = 60; // ms without scrolling until thumbnails are made
const VIDEO_TIMEOUT = 10000; // ms in which a video must give a frame
const FRAME_INTERVAL = 40; // ms
const REQUEST_DELAY = 30; // ms in which several requests become one message to the kernel

/** @typedef {{ address: string | null, pixels?: [number, number] }} KernelPicture */
/** @typedef {{ holder: HTMLElement, row: Row, key: string }} Job */

export class Thumbnails {
  /** @param {Queue} queue */
  constructor(queue) {
    this.queue = queue;
    /** @type {Map<string, string | null>} */
    this.cache = new Map(); // key → address, or null if there is no thumbnail
    /** @type {Job[]} */
    this.jobs = [];
    this.running = 0;
    /** @type {Map<string, number>} */
    this.durations = new Map(); // of videos, in seconds, by row
    /** @type {Map<string, (picture: KernelPicture) => void>} */
    this.requests = new Map(); // row and size → function that takes the answer
    this.requested = { thumb: new Set(), large: new Set() };
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.requestTimer = undefined;
    this.cleanup = new Cleanup();
    this.cleanup.add(
      queue.kernel.on("preview", (message, buffers) => this.receive(message, buffers)),
      queue.on("removed", (ids) => this.forgetRows(new Set(ids))),
    );
  }

  /**
   * Show a row's thumbnail in an element: at once if it is cached, else an icon first.
   * @param {HTMLElement} holder @param {Row} row
   */
  show(holder, row) {
    const key = this.keyOf(row);
    if (holder.dataset.key === key) return;
    holder.dataset.key = key;
    const address = this.cache.get(key);
    if (address !== undefined) this.put(holder, row, address);
    else {
      if (!holder.querySelector("img")) this.put(holder, row, null);
      this.jobs.push({ holder, row, key });
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.startJobs(), SCROLL_DELAY);
    }
  }

  /** @param {Row} row */
  keyOf(row) {
    if (isUploaded(row) && row.result?.thumbnail) return `${row.id} uploaded`;
    if (!this.queue.files.has(row.id)) return `${row.id} ${row.source}`;
    return row.picture ? `${row.id} own ${JSON.stringify(row.picture.operations)}` : `${row.id} own`;
  }

  startJobs() {
    for (let job; this.running < MAX_RUNNING && (job = this.jobs.pop());) this.runJob(job);
  }

  /** @param {Job} job */
  async runJob({ holder, row, key }) {
    if (!holder.isConnected || holder.dataset.key !== key) return;
    this.running += 1;
    const address = await this.make(row, key).catch(() => null);
    this.running -= 1;
    this.keep(key, address);
    if (holder.dataset.key === key) this.put(holder, row, address);
    this.startJobs();
  }

  /** @param {Row} row @param {string} key @returns {Promise<string | null>} */
  async make(row, key) {
    const file = this.queue.files.get(row.id)?.file;
    const family = familyOf(row);
    if (key.endsWith(" uploaded")) {
      const thumbnail = webAddress(row.result?.thumbnail);
      return thumbnail && (await isPicture(thumbnail)) ? thumbnail : this.make(row, `${row.id} own`);
    }
    const keepDuration = (/** @type {number} */ seconds) => void this.durations.set(row.id, seconds);
    if (file && row.picture) return URL.createObjectURL(await this.queue.pictures.thumbnail(row, file, LONGER_SIDE));
    if (file) return thumbnailOf(file, family, keepDuration);
    if (row.source === "url") return family === "image" || !row.kind ? webAddress(row.href) : null;
    if (row.source !== "file" || !["image", "video"].includes(family)) return null;
    const { address } = await this.request(row.id, "thumb");
    return address && family === "video" ? posterOf(address, keepDuration) : address;
  }

  /**
   * Show a picture, or the icon of its family if there is none, and a video's duration.
   * @param {HTMLElement} holder @param {Row} row @param {string | null} address
   */
  put(holder, row, address) {
    put(holder, row, address);
    const seconds = this.durations.get(row.id);
    if (seconds) holder.append(h("span", { class: "ik-duration" }, clockText(seconds)));
  }

  /** @param {string} key @param {string | null} address */
  keep(key, address) {
    this.cache.set(key, address);
    const [oldest] = this.cache.keys();
    if (this.cache.size > CACHE_SIZE) this.forget(oldest);
  }

  /** Forget the thumbnails of the page's own files. @param {Set<string>} ids */
  forgetRows(ids) {
    for (const key of [...this.cache.keys()]) {
      const [id, source] = key.split(" ", 2);
      if (source === "own" && ids.has(id)) this.forget(key);
    }
  }

  /** @param {string} key */
  forget(key) {
    const address = this.cache.get(key);
    if (address?.startsWith("blob:")) URL.revokeObjectURL(address);
    this.cache.delete(key);
  }

  /**
   * Request a picture of one of the kernel's files, and return its address in this page and its full size.
   * @param {string} id @param {"thumb" | "large"} size @returns {Promise<KernelPicture>}
   */
  request(id, size) {
    this.requested[size].add(id);
    this.requestTimer ??= setTimeout(() => this.sendRequests(), REQUEST_DELAY);
    return new Promise((resolve) => this.requests.set(`${id} ${size}`, resolve));
  }

  sendRequests() {
    this.requestTimer = undefined;
    for (const [size, ids] of Object.entries(this.requested)) {
      if (ids.size) this.queue.kernel.send({ type: "preview", ids: [...ids], size });
      ids.clear();
    }
  }

  /** @param {Message} message @param {BlobPart[]} buffers */
  receive({ id, size, media, pixels, none }, buffers) {
    const resolve = this.requests.get(`${id} ${size}`);
    this.requests.delete(`${id} ${size}`);
    if (!resolve) return;
    const shown = !none && buffers.length && /^(image|video|audio)\//.test(media || "");
    resolve({ address: shown ? URL.createObjectURL(new Blob([buffers[0]], { type: media })) : null, pixels });
  }

  close() {
    this.cleanup.run();
    for (const key of [...this.cache.keys()]) this.forget(key);
  }
}

/**
 * Show a picture, or the icon of its family if there is none.
 * @param {HTMLElement} holder @param {Row} row @param {string | null} address
 */
function put(holder, row, address) {
  const showIcon = () => holder.replaceChildren(icon(familyOf(row)));
  if (!address) {
    showIcon();
    return;
  }
  const fixed = { alt: "", decoding: "async", draggable: "false", referrerpolicy: "no-referrer" };
  holder.replaceChildren(h("img", { ...fixed, onerror: showIcon, src: address }));
}

/** @param {File} file @param {Family} family @param {(seconds: number) => void} onDuration */
async function thumbnailOf(file, family, onDuration) {
  if (family === "video") return posterOf(URL.createObjectURL(file), onDuration);
  if (family !== "image") return null;
  try {
    return await shrink(await createImageBitmap(file, { resizeWidth: LONGER_SIDE, resizeQuality: "medium" }));
  } catch {
    // SVG files have no bitmap
    const address = URL.createObjectURL(file);
    if (await isPicture(address)) return address;
    URL.revokeObjectURL(address);
    return null;
  }
}

/**
 * Return a picture as the address of a small file, since a bitmap takes a megabyte and more.
 * @param {ImageBitmap | HTMLVideoElement} source
 */
async function shrink(source) {
  const [width, height] =
    "videoWidth" in source ? [source.videoWidth, source.videoHeight] : [source.width, source.height];
  const scale = Math.min(1, LONGER_SIDE / Math.max(width, height));
  const canvas = h("canvas", {
    width: Math.max(1, Math.round(width * scale)),
    height: Math.max(1, Math.round(height * scale)),
  });
  canvas.getContext("2d")?.drawImage(source, 0, 0, canvas.width, canvas.height);
  if ("close" in source) source.close();
  /** @type {Blob | null} */
  const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/webp", 0.8));
  return blob && URL.createObjectURL(blob);
}

/**
 * Return an early frame of a video, and release the video's address.
 * @param {string} address @param {(seconds: number) => void} onDuration
 */
async function posterOf(address, onDuration) {
  const video = h("video", { muted: true, preload: "auto", playsinline: true });
  try {
    await new Promise((resolve, reject) => {
      video.onseeked = resolve;
      video.onerror = reject;
      setTimeout(reject, VIDEO_TIMEOUT); // others wait for their turn
      video.onloadedmetadata = () => {
        if (Number.isFinite(video.duration)) onDuration(video.duration);
        video.currentTime = Math.min(1, video.duration / 4 || 0);
      };
      video.src = address;
    });
    if (!video.videoWidth) return null; // it is audio only
    return (await hasFrame(video)) ? await shrink(video) : null;
  } finally {
    URL.revokeObjectURL(address);
    video.removeAttribute("src");
  }
}

/**
 * Wait until a frame can be drawn: on a busy machine, that is later than the `seeked` event.
 * @param {HTMLVideoElement} video
 */
async function hasFrame(video) {
  const context = h("canvas", { width: 1, height: 1 }).getContext("2d", { willReadFrequently: true });
  for (const end = performance.now() + VIDEO_TIMEOUT; context && performance.now() < end;) {
    context.drawImage(video, 0, 0, 1, 1);
    if (context.getImageData(0, 0, 1, 1).data[3]) return true; // without a frame, it is transparent
    await new Promise((resolve) => setTimeout(resolve, FRAME_INTERVAL));
  }
  return false;
}

/** Whether an address is that of a picture. @param {string} address */
async function isPicture(address) {
  const image = new Image();
  image.referrerPolicy = "no-referrer";
  image.src = address;
  return image.decode().then(
    () => true,
    () => false,
  );
}
