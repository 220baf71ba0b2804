// Small pictures, made when they are in view: from own files here, from addresses, or asked of the kernel.

import { h } from "./dom.js";
import { familyOf } from "./format.js";
import { icon } from "./icons.js";
import { webAddress } from "./row-parts.js";
import { isUp } from "./states.js";

const THUMB = 320; // pixels, the longer side: sharp on screens with two pixels a point
const KEPT = 600; // small pictures that are kept
const AT_ONCE = 3;
const SETTLE = 60; // ms without scrolling, after which pictures are made
const SLOWEST = 10000; // ms in which a video gives a frame
const BETWEEN_LOOKS = 40; // ms
const ASK_LATER = 30; // ms in which several wishes become one message to the kernel

export class Thumbnails {
  constructor(queue) {
    this.queue = queue;
    this.kept = new Map(); // key → address, or null where there is no picture
    this.jobs = [];
    this.running = 0;
    this.asked = new Map(); // `${id} ${size}` → resolve
    this.wishes = { thumb: new Set(), large: new Set() };
    this.end = queue.kernel.on("preview", (message, buffers) => this.receive(message, buffers));
    this.endGone = queue.on("gone", (ids) => ids.forEach((id) => this.forget(`${id} own`)));
  }

  /** Show a row's picture in a holder: at once where it is known, else a sign until it is. */
  show(holder, row) {
    const key = this.keyFor(row);
    if (holder.dataset.key === key) return;
    holder.dataset.key = key;
    if (this.kept.has(key)) this.put(holder, row, this.kept.get(key));
    else {
      if (!holder.querySelector("img")) this.put(holder, row, null);
      this.jobs.push({ holder, row, key });
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.pump(), SETTLE);
    }
  }

  keyFor(row) {
    if (isUp(row) && row.result?.thumbnail) return `${row.id} up`;
    return this.queue.files.has(row.id) ? `${row.id} own` : `${row.id} ${row.source}`;
  }

  pump() {
    while (this.running < AT_ONCE && this.jobs.length) this.work(this.jobs.pop());
  }

  async work({ holder, row, key }) {
    if (!holder.isConnected || holder.dataset.key !== key) return;
    this.running += 1;
    const address = await this.make(row, key).catch(() => null);
    this.running -= 1;
    this.keep(key, address);
    if (holder.dataset.key === key) this.put(holder, row, address);
    this.pump();
  }

  async make(row, key) {
    const file = this.queue.files.get(row.id)?.file;
    const family = familyOf(row);
    if (key.endsWith(" up")) {
      const thumbnail = webAddress(row.result.thumbnail);
      return (await loads(thumbnail)) ? thumbnail : this.make(row, `${row.id} own`);
    }
    if (file) return makeOwn(file, family);
    if (row.source === "url") return family === "image" || !row.kind ? webAddress(row.href) : null;
    if (row.source !== "file" || !["image", "video"].includes(family)) return null;
    const { address } = await this.ask(row.id, "thumb");
    return address && family === "video" ? posterOf(address) : address;
  }

  keep(key, address) {
    this.kept.set(key, address);
    if (this.kept.size > KEPT) this.forget(this.kept.keys().next().value);
  }

  forget(key) {
    const address = this.kept.get(key);
    if (address?.startsWith("blob:")) URL.revokeObjectURL(address);
    this.kept.delete(key);
  }

  put(holder, row, address) {
    const sign = () => icon(familyOf(row));
    if (!address) {
      holder.replaceChildren(sign());
      return;
    }
    const fail = () => holder.replaceChildren(sign());
    holder.replaceChildren(
      h("img", {
        alt: "",
        decoding: "async",
        draggable: "false",
        referrerpolicy: "no-referrer",
        onerror: fail,
        src: address,
      }),
    );
  }

  /** Ask the kernel for a picture of one of its files: its address here, or null, and what size it really has. */
  ask(id, size) {
    this.wishes[size].add(id);
    this.asking ??= setTimeout(() => this.sendWishes(), ASK_LATER);
    return new Promise((resolve) => this.asked.set(`${id} ${size}`, resolve));
  }

  sendWishes() {
    this.asking = null;
    for (const [size, ids] of Object.entries(this.wishes)) {
      if (ids.size) this.queue.kernel.say({ type: "preview", ids: [...ids], size });
      ids.clear();
    }
  }

  receive({ id, size, media, pixels, none }, buffers) {
    const resolve = this.asked.get(`${id} ${size}`);
    this.asked.delete(`${id} ${size}`);
    if (!resolve) return;
    const picture = !none && buffers.length && /^(image|video|audio)\//.test(media || "");
    resolve({ address: picture ? URL.createObjectURL(new Blob([buffers[0]], { type: media })) : null, pixels });
  }

  close() {
    this.end();
    this.endGone();
    for (const key of [...this.kept.keys()]) this.forget(key);
  }
}

async function makeOwn(file, family) {
  if (family === "video") return posterOf(URL.createObjectURL(file));
  if (family !== "image") return null;
  try {
    return await shrink(await createImageBitmap(file, { resizeWidth: THUMB, resizeQuality: "medium" }));
  } catch {
    // drawings (SVG) have no bitmap of their own
    const address = URL.createObjectURL(file);
    if (await loads(address)) return address;
    URL.revokeObjectURL(address);
    return null;
  }
}

/** Keep a picture as a small file: a bitmap takes a megabyte and more. */
async function shrink(source) {
  const width = source.videoWidth || source.width;
  const height = source.videoHeight || source.height;
  const scale = Math.min(1, THUMB / Math.max(width, height));
  const canvas = h("canvas", {
    width: Math.max(1, Math.round(width * scale)),
    height: Math.max(1, Math.round(height * scale)),
  });
  canvas.getContext("2d").drawImage(source, 0, 0, canvas.width, canvas.height);
  source.close?.();
  const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/webp", 0.8));
  return URL.createObjectURL(blob);
}

/** Take an early frame of a video, whose address is not needed any more then. */
async function posterOf(address) {
  const video = h("video", { muted: true, preload: "auto", playsinline: true });
  try {
    await new Promise((resolve, reject) => {
      video.onseeked = resolve;
      video.onerror = reject;
      setTimeout(reject, SLOWEST); // others wait for their turn
      video.onloadedmetadata = () => (video.currentTime = Math.min(1, video.duration / 4 || 0));
      video.src = address;
    });
    if (!video.videoWidth) return null; // it has sound alone
    return (await hasFrame(video)) ? await shrink(video) : null;
  } finally {
    URL.revokeObjectURL(address);
    video.removeAttribute("src");
  }
}

/** Wait until a frame can be drawn: on a machine with much to do, it comes later than the word that it was found. */
async function hasFrame(video) {
  const context = h("canvas", { width: 1, height: 1 }).getContext("2d", { willReadFrequently: true });
  for (const end = performance.now() + SLOWEST; performance.now() < end; ) {
    context.drawImage(video, 0, 0, 1, 1);
    if (context.getImageData(0, 0, 1, 1).data[3]) return true; // nothing drawn is transparent
    await new Promise((later) => setTimeout(later, BETWEEN_LOOKS));
  }
  return false;
}

/** Tell whether an address gives a picture. */
function loads(address) {
  const image = new Image();
  image.referrerPolicy = "no-referrer";
  image.src = address;
  return image.decode().then(
    () => true,
    () => false,
  );
}
