// Numbers as people read them.

const UNITS = ["B", "kB", "MB", "GB", "TB"];

/** Write a number of bytes with two or three digits: `812 B`, `4.2 MB`. */
export function bytesText(bytes) {
  let unit = 0;
  while (bytes >= 1000 && unit < UNITS.length - 1) {
    bytes /= 1000;
    unit += 1;
  }
  const digits = bytes >= 99.95 || Number.isInteger(bytes) ? 0 : 1;
  return `${bytes.toFixed(digits)} ${UNITS[unit]}`;
}

/** Write a time in seconds: `8 s`, `3 min`, `1 h 20 min`. */
export function timeText(seconds) {
  if (seconds < 60) return `${Math.max(1, Math.round(seconds))} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** Write a MIME type for people: `image/jpeg` → `JPEG`. Where there is none, the name's ending must do. */
export function kindText(row) {
  const ending = /\.([a-z0-9]{1,5})$/i.exec(row.name || "");
  const mime = /^[^/]+\/(?:x-|vnd\.)?([a-z0-9.-]+?)(?:\+xml)?$/i.exec(row.kind || "");
  const word = mime && mime[1].length <= 5 ? mime[1] : ending ? ending[1] : mime ? mime[1] : "";
  return word.slice(0, 8).toUpperCase();
}

/** Tell `image`, `video`, `audio` or `other` from a row's MIME type, else from its name. */
export function familyOf(row) {
  const family = (row.kind || "").split("/")[0];
  if (["image", "video", "audio"].includes(family)) return family;
  const name = (row.name || "").toLowerCase();
  if (/\.(jpe?g|png|gif|webp|avif|svg|bmp|ico)$/.test(name)) return "image";
  if (/\.(mp4|webm|mov|m4v|ogv)$/.test(name)) return "video";
  if (/\.(mp3|wav|ogg|m4a|flac)$/.test(name)) return "audio";
  return "other";
}
