// Queues whose kernel is gone: the page still has their files, and offers to go on with them.

import { announced, newKey } from "./queue.js";
import { isUp } from "./states.js";

const QUEUES = Symbol.for("ikpipe.uploader.queues"); // one list a page, also when this code was loaded twice
export const queues = (globalThis[QUEUES] ??= new Set());

/** Ask all queues of other kernels whether theirs answers; offer the files of those that are alone. */
export async function findUnfinished(queue) {
  const others = [...queues].filter((other) => other !== queue && other.session && other.session !== queue.session);
  const alive = await Promise.all(others.map((other) => other.kernel.answers()));
  queue.unfinished = others.filter((other, at) => !alive[at] && countUnfinished(other));
  queue.emit("notices");
}

/** Give what an orphaned queue holds and has not brought to an end, as [row, held]. */
function unfinishedFiles(queue) {
  const rows = [...queue.files].map(([id, held]) => [queue.store.get(id), held]);
  return rows.filter(([row]) => row && !isUp(row));
}

/** Count the files of an orphaned queue, with those that its kernel never took. */
export const countUnfinished = (queue) => unfinishedFiles(queue).length + queue.waiting.size;

/** Take over the files of orphaned queues. What is still on its way is taken over when it has ended. */
export function resumeUnfinished(queue) {
  for (const orphan of queue.unfinished) {
    queues.delete(orphan);
    for (const [row, held] of unfinishedFiles(orphan)) {
      const post = orphan.posts.running.get(row.id);
      if (post) post.ended.then(() => adopt(queue, orphan, [[row, held]]));
    }
    adopt(
      queue,
      orphan,
      unfinishedFiles(orphan).filter(([row]) => !orphan.posts.running.has(row.id)),
    );
    queue.add([...orphan.waiting.values()]);
    orphan.close();
  }
  queue.unfinished = [];
  queue.emit("notices");
}

function adopt(queue, orphan, pairs) {
  for (const [, held] of pairs) queue.waiting.set(held.key, held);
  const rows = pairs.map(([row, held]) => ({
    ...announced(held),
    id: row.id,
    run: row.run,
    edits: editsOf(row),
    state: row.state,
  }));
  if (rows.length) queue.kernel.say({ type: "adopt", session: orphan.session, key: `a${newKey()}`, rows });
}

function editsOf(row) {
  const edits = {
    file_name: row.name,
    folder: row.folder,
    tags: row.tags,
    description: row.description,
    is_private_file: row.private,
    custom_coordinates: row.coordinates,
  };
  for (const [field, value] of Object.entries(row.metadata || {})) edits[`custom_metadata.${field}`] = value;
  return Object.fromEntries(Object.entries(edits).filter(([, value]) => value !== undefined && value !== null));
}

/** Forget the orphans: the person does not want them. */
export function discardUnfinished(queue) {
  for (const orphan of queue.unfinished) {
    queues.delete(orphan);
    orphan.close();
  }
  queue.unfinished = [];
  queue.emit("notices");
}
