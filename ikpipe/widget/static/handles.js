// Handles of picked files, which outlive a reload of the page. They are kept only if the notebook asks for it, since other
// notebooks of the same origin could read them, for one account, and until their files are uploaded.

import { isJunk } from "./junk.js";
import { isUploaded } from "./states.js";

const DATABASE = "ikpipe-uploader";
const HANDLES = "files"; // the only store
const MAX_AGE = 7 * 24 * 3600 * 1000; // ms

/** @typedef {{ id: string, account: string, path: string, handle: FileHandle, at: number }} KeptFile */

export class FileHandles {
  /** @param {Queue} queue */
  constructor(queue) {
    this.queue = queue;
    /** @type {KeptFile[]} */
    this.locked = []; // handles that the browser gives back only after it has asked the user
    queue.store.on("rows", (changed) => {
      const uploaded = queue.store.all(changed).filter(isUploaded);
      for (const file of this.forget(uploaded)) delete file.handle;
    });
  }

  /** The account whose files are kept; empty if none are. */
  get account() {
    return (typeof indexedDB !== "undefined" && this.queue.settings.keep_files) || "";
  }

  /** Keep the handles of files. @param {PickedFile[]} files */
  remember(files) {
    const { account } = this;
    if (!account) return;
    const kept = files.flatMap(({ file, path, handle }) =>
      handle ? [{ id: keptId(account, file, path), account, path, handle, at: Date.now() }] : [],
    );
    if (kept.length) transact("readwrite", (store) => kept.forEach((entry) => store.put(entry)));
  }

  /** Forget the handles of rows, and return their files. @param {Row[]} rows */
  forget(rows) {
    const { account } = this;
    const files = rows.flatMap((row) => this.queue.files.get(row.id) ?? []).filter(({ handle }) => handle);
    if (account && files.length)
      transact("readwrite", (store) => files.forEach(({ file, path }) => store.delete(keptId(account, file, path))));
    return files;
  }

  /** Give the rows that lack their files those that the browser can still read. */
  async restore() {
    const { account, queue } = this;
    if (!account || !queue.missing.count) return;
    /** @type {KeptFile[]} */
    const all = (await transact("readonly", (store) => store.getAll())) ?? [];
    const old = all.filter(({ at }) => Date.now() - at > MAX_AGE);
    if (old.length) transact("readwrite", (store) => old.forEach(({ id }) => store.delete(id)));
    await this.open(all.filter((entry) => entry.account === account && !old.includes(entry)));
  }

  /** Read files, if the browser allows it without asking. @param {KeptFile[]} entries */
  async open(entries) {
    const mode = /** @type {const} */ ({ mode: "read" });
    const allowed = await Promise.all(entries.map(({ handle }) => handle.queryPermission?.(mode)));
    const readable = entries.filter((_, at) => (allowed[at] ?? "granted") === "granted");
    const files = await Promise.all(readable.map(readKept));
    this.queue.missing.rejoin(files.flatMap((file) => file ?? []));
    this.locked = this.queue.missing.count ? entries.filter((_, at) => allowed[at] === "prompt") : [];
    this.queue.emit("notices");
  }

  /** Let the browser ask the user for the files, and take them; the first answer is often for all of them. */
  async unlock() {
    const { locked } = this;
    this.locked = [];
    for (const { handle } of locked) if ((await handle.requestPermission?.({ mode: "read" })) !== "granted") break;
    await this.open(locked);
  }
}

/** @param {KeptFile} entry @returns {Promise<PickedFile | null>} */
const readKept = ({ handle, path }) =>
  handle.getFile().then(
    (file) => ({ file, path, handle }),
    () => null, // it was deleted
  );

/** @param {string} account @param {File} file @param {string} path */
const keptId = (account, file, path) => [account, path, file.name, file.size, file.lastModified].join("\n");

/**
 * Use the database; where the browser has none, nothing is kept. Return the result of a request.
 * @param {IDBTransactionMode} mode @param {(store: IDBObjectStore) => IDBRequest | void} use @returns {Promise<any>}
 */
function transact(mode, use) {
  return new Promise((resolve) => {
    const opening = indexedDB.open(DATABASE, 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore(HANDLES, { keyPath: "id" });
    opening.onerror = () => resolve(undefined);
    opening.onsuccess = () => {
      const database = opening.result;
      const transaction = database.transaction(HANDLES, mode);
      const request = use(transaction.objectStore(HANDLES));
      const end = () => {
        database.close();
        resolve(request?.result);
      };
      transaction.oncomplete = end;
      transaction.onabort = end;
    };
  });
}

// Choosing and dropping with handles, where the browser has them

/** Let the user choose files; null if the browser has no handles. @returns {Promise<PickedFile[] | null>} */
export async function chooseHandles() {
  const choose = /** @type {any} */ (globalThis).showOpenFilePicker;
  if (!choose) return null;
  const handles = await choose({ multiple: true }).catch(noneIfCancelled);
  return handles && withHandles(handles);
}

/** Let the user choose a folder; null if the browser has no handles. @returns {Promise<PickedFile[] | null>} */
export async function chooseFolderHandles() {
  const choose = /** @type {any} */ (globalThis).showDirectoryPicker;
  if (!choose) return null;
  const folder = await choose({ mode: "read" }).catch(noneIfCancelled);
  return folder && withHandles([folder].flat());
}

/** Return no handles if the user cancelled, and null where the page must not ask for any. @param {DOMException} error */
const noneIfCancelled = (error) => (error.name === "AbortError" ? [] : null);

/**
 * Return the handles of what was dropped; null if the browser has none. They are asked for at once, since the browser
 * forgets what was dropped.
 * @param {DataTransfer} transfer @returns {Promise<PickedFile[]> | null}
 */
export function droppedHandles(transfer) {
  const items = [...transfer.items].filter(({ kind }) => kind === "file");
  const handles = items.map((item) => /** @type {any} */ (item).getAsFileSystemHandle?.());
  if (!handles.length || handles.some((handle) => !handle)) return null;
  return Promise.all(handles).then((found) => withHandles(found.filter(Boolean)));
}

/**
 * Return the files of handles, and of folders among them without what is hidden there.
 * @param {FileHandle[]} handles @param {string} path @returns {Promise<PickedFile[]>}
 */
async function withHandles(handles, path = "") {
  /** @type {PickedFile[]} */
  const files = [];
  for (const handle of handles) {
    if (handle.kind === "file") {
      const file = await readKept({ id: "", account: "", path, handle, at: 0 });
      if (file && !isJunk(handle.name)) files.push(file);
      continue;
    }
    const children = [];
    for await (const child of handle.values?.() ?? []) if (!child.name.startsWith(".")) children.push(child);
    files.push(...(await withHandles(children, path ? `${path}/${handle.name}` : handle.name)));
  }
  return files;
}
