// Types for the comments of the scripts. The messages are those of `messages.py`, `rows.py` and `controller.py`.

type Ui = import("./main.js").Ui;
type Queue = import("./queue.js").Queue;
type Kernel = import("./kernel.js").Kernel;
type Store = import("./store.js").Store;
type Grid = import("./grid.js").Grid;
type MissingFiles = import("./missing.js").MissingFiles;
type Post = import("./posts.js").Post;

type RowState =
  | "ready"
  | "invalid"
  | "queued"
  | "sending"
  | "processing"
  | "uploaded"
  | "exists"
  | "accepted"
  | "skipped"
  | "unchanged"
  | "updated"
  | "duplicate"
  | "failed"
  | "unknown"
  | "cancelled"
  | "deleted"
  | "left_out"
  | "missing"; // of this page: it does not have the file
type ShownState = RowState | "cancelling" | "checking" | "changing";
type Group = "ready" | "invalid" | "missing" | "busy" | "uploaded" | "failed" | "cancelled" | "deleted" | "left_out";
type Family = "image" | "video" | "audio" | "other";

interface Problem {
  column: string;
  code: string;
  message: string;
  fix?: string;
  reason?: Reason;
  details?: string; // Python's own words
  suggestion?: Value; // a value that solves it
}

/** A sentence of the language files, by its name, and what belongs into it. */
interface Reason {
  name: string;
  values: Record<string, any>;
  detailed?: boolean; // whether Python's own words say more
}

interface Result {
  url?: string;
  thumbnail?: string;
  file_id?: string;
  path?: string;
  error?: string;
  message?: string;
  what?: string; // what to do
  final?: boolean; // whether it would fail again as it is
  reason?: string; // where the code is not enough
  details?: string; // the service's own words
  attempts?: number;
}

/** A row as the kernel sends it, without its empty fields. */
interface Row {
  id: string;
  at: number; // the order in which rows were added
  source: "browser" | "url" | "file";
  name: string;
  size: number | null;
  kind: string; // media type
  state: RowState;
  kernelState?: RowState; // if this page shows another one
  file?: { name: string; path: string; modified: number | null; size?: number }; // as it was picked
  picture?: EditedPicture;
  href?: string;
  changing?: boolean; // its file in the library is being changed or deleted
  changed?: boolean; // it was changed or deleted
  added?: boolean; // by a page, from its URL
  folder?: string;
  tags?: string[];
  description?: string;
  private?: boolean;
  coordinates?: string;
  metadata?: Record<string, Value>;
  naming?: Record<string, boolean>; // what becomes of a file with its name that the library has, if it was decided
  problems?: Problem[];
  result?: Result;
}

type Size = [width: number, height: number];
type Operation = ["mirror"] | ["rotate", number] | ["crop", ...Rect] | ["resize", ...Size];

/** What is done to a picture before its upload, and what comes out: pixels, bytes, and their SHA-256. */
interface EditedPicture {
  operations: Operation[];
  width: number;
  height: number;
  size: number;
  hash: string;
}

type Value = string | number | boolean | (string | number)[] | null | undefined;

interface Message {
  type: string;
  [name: string]: any;
}

interface MetadataField {
  name: string;
  type: string;
  label?: string;
  selectOptions?: (string | number)[];
  minValue?: number | string;
  maxValue?: number | string;
  maxLength?: number;
  isValueRequired?: boolean;
}

interface Settings {
  name?: string;
  defaults?: { is_private_file: boolean; folder: string; tags: boolean };
  max_file_size?: number | null;
  keep_files?: string; // the account whose files are kept, or empty
  root?: string; // the name of the folder on Python's side that files are added from, or empty
  can_replace?: boolean; // whether a file may replace one of the library
  columns?: string[]; // of the table, which can be shown
  can_search?: boolean; // whether Python has the key that reads the library
  fields?: MetadataField[];
}

interface Totals {
  bytes: number;
  of: number;
  rate: number; // bytes per second
  left: number; // seconds
}

/** What the kernel asks the browser to upload. */
interface Order {
  id: string;
  attempt: number;
  url: string;
  fields: [string, string][];
  token: string;
  name: string;
  timeout: number; // seconds; 0 is none
}

/** A file or folder of the user's disk, which a browser can read again after a reload. */
interface FileHandle {
  kind: "file" | "directory";
  name: string;
  getFile(): Promise<File>;
  values?(): AsyncIterable<FileHandle>;
  queryPermission?(options: { mode: "read" }): Promise<string>;
  requestPermission?(options: { mode: "read" }): Promise<string>;
}

interface PickedFile {
  file: File;
  handle?: FileHandle; // if it is kept
  path: string; // the folder that it was picked with
}

interface KeyedFile extends PickedFile {
  key: string;
}

/** anywidget's model. */
interface Model {
  get(name: string): any;
  on(name: string, listener: (...values: any[]) => void): void;
  off(name: string, listener: (...values: any[]) => void): void;
  send(message: Message): void;
  set(name: string, value: any): void;
  save_changes(): void;
  widget_manager?: { kernel?: HostKernel | null };
}

/** JupyterLab's connection to a kernel. */
interface HostKernel {
  status?: string;
  connectionStatus?: string;
  isDisposed?: boolean;
  statusChanged?: Signal;
  connectionStatusChanged?: Signal;
}

interface Signal {
  connect(listener: () => void): void;
  disconnect(listener: () => void): void;
}

type Child = Node | string | null | undefined | false;

interface Attributes {
  [name: `on${string}`]: (event: any) => void;
  [name: string]: any;
}

interface ButtonOptions extends Attributes {
  icon?: string;
  text?: string;
  label?: string;
  kind?: string; // classes
  press: (event: any) => void;
}

/** How a text is announced; with an action, it is shown with a button. */
interface Announcement {
  visible?: boolean;
  action?: { text: string; press: () => void };
}

/** An event whose target is an element. */
type On<E> = E & { target: HTMLElement; currentTarget: HTMLElement };

type Rect = [x: number, y: number, width: number, height: number];

/** A row of the table or a card of the gallery, with what it shows now. */
type Item = HTMLElement & {
  ik: {
    cells: Record<string, HTMLElement>;
    parts: Record<string, HTMLElement>;
    shown: Record<string, string>;
    row?: Row;
    stale?: boolean;
  };
};

interface Line {
  element: HTMLElement;
  items: Item[];
  ids: string[];
}

interface Layout {
  name: "table" | "gallery";
  measure(width: number, view: import("./view.js").View): { perLine: number; lineHeight: number }; // in pixels
  header(ui: Ui): HTMLElement | null;
  create(): Item;
  fill(ui: Ui, item: Item, row: Row): void;
}

/** A field of the editing panel: one value, or counts of several. */
interface Field {
  element: HTMLElement;
  commit?(): void;
  revert?(): boolean;
  show?(value: Value, mixed: boolean): void;
  showCounts?(counts: Map<string, number>, rows: number, required: Set<string>): void;
}

/** The texts of a language: plain ones, groups of them, and functions of the values that belong into them. */
type Phrase = string | ((...values: any[]) => string);
type Texts = Record<string, Phrase | Record<string, Phrase>>;

interface Numbers {
  number(n: number): string;
  plural(n: number, forms: Partial<Record<Intl.LDMLPluralRule, string>> & { other: string }): string; // `#` is `n`
}
