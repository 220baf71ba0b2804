// Files that are picked a second time.

/**
 * Divide picked files into those that are new, and those that are in the list, by their name, folder, size and date.
 * @param {Queue} queue @param {PickedFile[]} files
 */
export function sortOutListed(queue, files) {
  const known = new Set([...queue.files.values(), ...queue.waiting.values()].map(identityOf));
  /** @type {Record<"fresh" | "listed", PickedFile[]>} */
  const parts = { fresh: [], listed: [] };
  for (const file of files) {
    const identity = identityOf(file);
    parts[known.has(identity) ? "listed" : "fresh"].push(file);
    known.add(identity);
  }
  return parts;
}

/** @param {PickedFile} picked */
const identityOf = ({ file, path }) => JSON.stringify([path, file.name, file.size, file.lastModified]);
