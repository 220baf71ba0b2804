// Files that were not uploaded when the kernel restarted, or the uploader's cell was run again. The page still has them,
// and offers to continue.

import { describeFile, Queue } from "./queue.js";
import { isUploaded } from "./states.js";

const VIEW_DELAY = 500; // ms in which a notebook that is opened shows all of its uploaders

/** @typedef {{ row: Row, file: KeyedFile | undefined }} UnfinishedFile */

const QUEUES = Symbol.for("ikpipe.uploader.queues"); // one set per page, also if this code is loaded twice
const shared = /** @type {any} */ (globalThis);
/** @type {Set<Queue>} */
const queues = (shared[QUEUES] ??= new Set());

/**
 * Return the queue of a model's uploader. A notebook wraps a model for each view, and loads this code for each.
 * @param {Model} model
 */
export function queueOf(model) {
  const session = model.get("session");
  const existing = [...queues].find((queue) => queue.model.get("session") === session);
  if (existing) return existing;
  const queue = new Queue(model);
  let isNew = true;
  queue.on("welcome", () => {
    findUnfinished(queue, isNew);
    isNew = false;
  });
  queues.add(queue);
  return queue;
}

/** Close a queue and forget its files. @param {Queue} queue */
export function closeQueue(queue) {
  queues.delete(queue);
  queue.close();
}

/**
 * Ask the kernels of all other queues whether they answer, and offer the files of those that do not; if the queue is new,
 * also those of the queue that its cell showed before.
 * @param {Queue} queue @param {boolean} isNew
 */
async function findUnfinished(queue, isNew) {
  const others = [...queues].filter((other) => other !== queue && isEarlier(other, queue));
  const alive = await Promise.all(others.map((other) => other.kernel.answers()));
  takeOver(
    queue,
    others.filter((_, at) => !alive[at]),
  );
  if (!isNew || ![...queues].some((other) => isReplaced(other, queue))) return;
  await new Promise((resolve) => setTimeout(resolve, VIEW_DELAY));
  for (const other of queues) {
    if (!isReplaced(other, queue)) continue;
    if (!hasRunningRows(other)) takeOver(queue, [other]);
    else other.cleanup.add(other.store.on("finished", () => isReplaced(other, queue) && takeOver(queue, [other])));
  }
}

/** Keep the uploaded rows of other queues, and offer the files of the others. @param {Queue} queue @param {Queue[]} others */
function takeOver(queue, others) {
  for (const other of others) other.connection.replaced();
  for (const other of others) adoptUploaded(queue, other);
  const known = queue.unfinished.filter((other) => !others.includes(other));
  queue.unfinished = [...known, ...others].filter(countUnfinished);
  queue.emit("notices");
}

/**
 * Whether a new queue is shown instead of another of the same kernel: the cell was run again that created the uploader.
 * @param {Queue} other @param {Queue} queue
 */
function isReplaced(other, queue) {
  const isOther = other !== queue && isSameKernel(other, queue) && sessionOf(other) !== queue.session;
  const isHidden = other.wasShown && other.views === 0; // marimo gives each widget a manager of its own
  return isOther && isHidden && !other.connection.forgotten && nameAndDefaults(other) === nameAndDefaults(queue);
}

/** Whether two queues are known to be of one kernel: one that never answered can be of any. @param {Queue} one @param {Queue} other */
export const isSameKernel = (one, other) => Boolean(one.process) && one.process === other.process;

/** Whether rows are being uploaded, by this page or by Python. @param {Queue} queue */
const hasRunningRows = (queue) => queue.isUploading || queue.store.run.running > 0;

/** @param {Queue} queue */
const nameAndDefaults = ({ settings }) => JSON.stringify([settings.name, settings.defaults]);

/**
 * Whether a queue may be that of an earlier kernel of the same notebook.
 * @param {Queue} other @param {Queue} queue
 */
function isEarlier(other, queue) {
  if (sessionOf(other) === queue.session || other.model.widget_manager !== queue.model.widget_manager) return false;
  return !other.process || other.process !== queue.process;
}

/** Return a queue's session, also if its kernel never answered. @param {Queue} queue */
const sessionOf = (queue) => queue.session || queue.model.get("session");

/** Return the picked rows that were not uploaded, with their files if the page has them. @param {Queue} queue */
const unfinishedFiles = (queue) => pickedFiles(queue).filter(({ row }) => !isDone(row));

/** Whether a row is in the library, or was deleted from it. @param {Row} row */
const isDone = (row) => isUploaded(row) || row.state === "deleted";

/** @param {Queue} queue @returns {UnfinishedFile[]} */
function pickedFiles(queue) {
  const rows = [...queue.store.rows.values()].filter((row) => row.source === "browser" || row.added);
  return rows.flatMap((row) => {
    const file = queue.files.get(row.id);
    return file || row.file || row.href ? [{ row, file }] : [];
  });
}

/**
 * Keep the rows that were uploaded in the list: the kernel knows from its journals what became of them.
 * @param {Queue} queue @param {Queue} old
 */
function adoptUploaded(queue, old) {
  const name = (/** @type {Queue} */ one) => one.settings.name;
  const uploaded = name(old) === name(queue) ? pickedFiles(old).filter(({ row }) => isDone(row)) : [];
  adopt(queue, old, uploaded);
  old.removed(uploaded.map(({ row }) => row.id));
}

/**
 * Return the number of files that were not uploaded, with those whose rows the kernel never created.
 * @param {Queue} queue
 */
export const countUnfinished = (queue) => unfinishedFiles(queue).length + queue.waiting.size;

/**
 * Add the unfinished files to a queue; those that are still being uploaded follow when their upload has ended.
 * @param {Queue} queue
 */
export function resumeUnfinished(queue) {
  for (const old of queue.unfinished) {
    const files = unfinishedFiles(old);
    for (const entry of files) old.posts.running.get(entry.row.id)?.ended.then(() => adopt(queue, old, [entry]));
    const idle = files.filter(({ row }) => !old.posts.running.has(row.id));
    adopt(queue, old, idle);
    queue.addRows([...old.waiting.values()]);
  }
  discardUnfinished(queue);
}

/**
 * Ask the kernel to create rows for files of an earlier one.
 * @param {Queue} queue @param {Queue} old @param {UnfinishedFile[]} files
 */
function adopt(queue, old, files) {
  const rows = files.map(({ row, file }) => ({
    ...(file ? describeFile(file) : describeLost(row)),
    id: row.id,
    edits: editsOf(row),
    state: row.kernelState ?? row.state,
    changed: Boolean(row.changed),
    url: row.href ?? "",
  }));
  files.forEach(({ file }, at) => {
    if (file) queue.waiting.set(file.key, file);
    else if (!rows[at].url) queue.withoutFiles.add(rows[at].key);
  });
  if (rows.length) queue.kernel.send({ type: "adopt", session: old.session, rows });
}

/** Return what the kernel is told about a file that this page does not have. @param {Row} row */
function describeLost({ id, file, name, size, kind }) {
  const { path = "", modified = null } = file ?? {};
  return { key: `lost-${Math.random()}-${id}`, name: file?.name ?? name, path, size: file?.size ?? size ?? 0, type: kind, modified };
}

/** Return what a row has in its columns. @param {Row} row */
function editsOf(row) {
  const edits = {
    file_name: row.name,
    folder: row.folder,
    tags: row.tags,
    description: row.description,
    is_private_file: row.private,
    custom_coordinates: row.coordinates,
    ...row.naming,
    picture: row.picture && JSON.stringify(row.picture),
  };
  const metadata = Object.entries(row.metadata ?? {}).map(([field, value]) => [`custom_metadata.${field}`, value]);
  return Object.fromEntries(
    [...Object.entries(edits), ...metadata].filter(([, value]) => value !== undefined && value !== null),
  );
}

/** Forget the unfinished files. @param {Queue} queue */
export function discardUnfinished(queue) {
  for (const old of queue.unfinished) closeQueue(old);
  queue.unfinished = [];
  queue.emit("notices");
}
