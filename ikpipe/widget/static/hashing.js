// Hashes of files, by which those with the same content are found. Python hashes its files in the same way.

const HASHED_PART = 4 * 1024 * 1024; // bytes that are in memory at a time
const LANES = [0x811c9dc5, 0x9e3779b9]; // two starts of the simple hash

/** Return the hash of a file, or null if it cannot be read any more. @param {Blob} file */
export async function hashOf(file) {
  try {
    // browsers hash only in pages of https or localhost
    return crypto.subtle ? await strongHash(file) : `weak-${await weakHash(file)}`;
  } catch {
    return null;
  }
}

/** @param {Blob} file */
async function strongHash(file) {
  const parts = [];
  for (let start = 0; start < file.size; start += HASHED_PART)
    parts.push(await crypto.subtle.digest("SHA-256", await file.slice(start, start + HASHED_PART).arrayBuffer()));
  return hex(new Uint8Array(await crypto.subtle.digest("SHA-256", await new Blob(parts).arrayBuffer())));
}

/** @param {Blob} file */
async function weakHash(file) {
  const lanes = [...LANES];
  for (let start = 0; start < file.size; start += HASHED_PART) {
    const bytes = await file.slice(start, start + HASHED_PART).arrayBuffer();
    const words = new Uint32Array(bytes, 0, bytes.byteLength >> 2);
    for (const word of words) mix(lanes, word);
    for (const byte of new Uint8Array(bytes, words.byteLength)) mix(lanes, byte);
  }
  return lanes.map((lane) => (lane >>> 0).toString(16).padStart(8, "0")).join("");
}

/** @param {number[]} lanes @param {number} word */
function mix(lanes, word) {
  lanes[0] = Math.imul(lanes[0] ^ word, 0x01000193);
  lanes[1] = Math.imul((lanes[1] ^ word) + (lanes[0] >>> 15), 0x85ebca6b);
}

/** @param {Uint8Array} bytes */
const hex = (bytes) => [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
