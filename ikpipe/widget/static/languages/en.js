// English. Each language has a file like this one, with the same names. Messages about a value come from the kernel.

import { numbersOf } from "./numbers.js";

const EN = numbersOf("en");
/** @param {number} n */
const enFiles = (n) => EN.plural(n, { one: "# file", other: "# files" });

const EN_RETRY = "Retry: it is looked for first, and sent only if it is not there.";

/** @satisfies {Texts} */
export const ENGLISH = {
  widget: "Uploader",
  grid: "Files",
  filters: "Show files by state",

  // Picking
  add: "Add files",
  addFolder: "Add folder",
  dropTitle: "Drop files or folders here",
  dropHint: "or choose them, or paste a picture",
  dropNow: "Drop to add",
  dropNowHint: "Folders keep their structure",
  limit: (size) => `Up to ${size} a file`,
  added: (n) => `${enFiles(n)} added`,
  adding: (n) => `Adding ${enFiles(n)}…`,
  reading: (n) => `Reading the folder: ${enFiles(n)} so far…`,
  noFiles: "There are no files in what was dropped",
  rejected: (n, why) => `${enFiles(n)} could not be added: ${why}`,
  pasted: (time, extension) => `pasted-${time}.${extension}`,
  fileCount: enFiles,

  // Searching and sorting
  search: "Filter by name, folder, tag…",
  searchLabel: "Filter files by text",
  sort: "Sort by",
  ascending: "Ascending; press for descending",
  descending: "Descending; press for ascending",
  gallery: "Gallery",
  table: "Table",
  nothingFound: "No file matches.",
  clearFilter: "Show all files",

  // Columns
  columns: /** @type {Record<string, string>} */ ({
    at: "Order added",
    name: "Name",
    folder: "Folder",
    tags: "Tags",
    kind: "Kind",
    size: "Size",
    state: "State",
    actions: "Actions",
  }),
  root: "/",
  unknownSize: "unknown",
  moreTags: (n) => `+${n}`,

  // Selecting
  selectAll: "Select all shown files",
  selected: (n) => `${EN.number(n)} selected`,
  clearSelection: "Clear selection",
  sendSelected: "Upload selected",
  edit: "Edit",
  remove: "Remove",
  removeOne: (name) => `Remove ${name}`,
  removed: (n) => `${enFiles(n)} removed`,

  // States
  groups: { all: "All", ready: "Ready", invalid: "To mend", missing: "Choose again", busy: "Under way", uploaded: "Up", failed: "Not up" },
  states: {
    ready: "Ready",
    invalid: "To mend",
    queued: "Waiting",
    sending: "Sending",
    processing: "Processing",
    uploaded: "Up",
    exists: "Up already",
    accepted: "Accepted",
    skipped: "Skipped",
    unchanged: "Unchanged",
    updated: "Updated",
    duplicate: "Duplicate",
    failed: "Failed",
    unknown: "Not certain",
    cancelled: "Cancelled",
    cancelling: "Stopping…",
    checking: "Checking…",
    missing: "Choose again",
  },
  stateHints: /** @type {Record<string, string>} */ ({
    cancelling: "Stopping… checking whether it was already saved.",
    checking: "The page was reloaded during the upload: checking whether the file was already saved.",
    missing: "The page was reloaded. Choose this file again.",
    exists: "An earlier attempt had stored it.",
    accepted: "Stored once a transformation is done.",
    skipped: "A file was already there, and was left as it is.",
    unchanged: "The same file was already there.",
    updated: "The same file was already there; its details were changed.",
    duplicate: "A file with the same content and details is there already.",
    processing: "All sent; the service is at work on it.",
    unknown: "It may be stored. Retry looks first.",
  }),
  // what to do, where the kernel's advice is for users of Python
  advice: /** @type {Record<string, string>} */ ({
    server_error: EN_RETRY,
    connection_lost: EN_RETRY,
    timed_out: EN_RETRY,
    bad_reply: EN_RETRY,
    cancelled: "Retry.",
    rate_limited: "Wait a little, then retry.",
    file_not_found: "Pick the file again.",
  }),

  // Sending
  send: (n) => (n ? `Upload ${enFiles(n)}` : "Upload"),
  nothingToSend: "There is nothing ready to upload.",
  cancel: "Cancel",
  cancelAll: "Cancel all",
  stopNow: "Stop now",
  stopNowOne: (name) => `Stop now: ${name}`,
  stopping: "Stopping… checking what was already saved.",
  cancelOne: (name) => `Cancel ${name}`,
  retry: "Retry",
  retryFailed: (n) => `Retry ${EN.number(n)}`,
  retryOne: (name) => `Retry ${name}`,
  progressOf: (done, total) => `${EN.number(done)} of ${enFiles(total)}`,
  bytesOf: (done, total) => `${done} of ${total}`,
  rate: (size) => `${size}/s`,
  timeLeft: (time) => `${time} left`,
  totalProgress: "Total progress",
  progressOne: (name) => `Progress of ${name}`,
  finished: (uploaded, failed) =>
    failed ? `${enFiles(uploaded)} up, ${EN.number(failed)} not` : `${enFiles(uploaded)} up`,

  // Problems
  problems: (n) => EN.plural(n, { one: "# problem", other: "# problems" }),
  problemsWith: (name) => `Problems of ${name}`,
  whyFailed: (name) => `Why ${name} is not up`,
  useValue: (value) => `Use “${value}”`,
  clearValue: "Clear it",
  fixFiles: (n) => `Mend ${enFiles(n)}`,
  problemIn: (n, message) => (n === 1 ? message : `${enFiles(n)}: ${message}`),

  // Results
  copy: "Copy",
  copyLink: (name) => `Copy the address of ${name}`,
  copyUrl: "Copy URL",
  copyHtml: "Copy HTML",
  copyMarkdown: "Copy Markdown",
  copied: (n) => (n === 1 ? "Copied" : `${EN.number(n)} copied`),
  copyFailed: "The browser did not allow copying.",
  openUrl: "Open in a new tab",
  openFile: (name) => `Open ${name} in a new tab`,
  csv: "results.csv",
  downloadCsv: "Download results.csv",

  // Preview
  close: "Close",
  previous: "Previous file",
  next: "Next file",
  position: (n, of) => `${EN.number(n)} of ${EN.number(of)}`,
  noPreview: "There is no preview of this file.",
  loadingPreview: "Loading…",
  focusArea: "Area of interest",
  drawHint: "Drag over the picture, or type the numbers, in pixels of the picture.",
  drawArea: "Draw an area",
  stopDrawing: "Done",
  clearArea: "Clear area",
  area: { x: "x", y: "y", width: "Width", height: "Height" },
  pixels: (width, height) => `${width} × ${height}`,
  details: "Details",

  // Editing
  editing: (n) => (n === 1 ? "Edit 1 file" : `Edit ${enFiles(n)}`),
  editNothing: "Select files to edit them.",
  readOnly: (n) => `${enFiles(n)} cannot be changed: on the way, up, or not certain.`,
  mixed: "Several values",
  fields: {
    file_name: "Name",
    folder: "Folder",
    tags: "Tags",
    is_private_file: "Access",
    description: "Description",
    custom_coordinates: "Area of interest",
  },
  metadata: "Custom metadata",
  isPublic: "Public",
  isPrivate: "Private",
  yes: "Yes",
  no: "No",
  notSet: "Not set",
  defaultValue: (text) => `${text} (default)`,
  addTag: "Add a tag, then Enter",
  removeTag: (tag) => `Remove the tag ${tag}`,
  partialTag: (tag, n, of) => `${tag}: ${n} of ${of} files`,
  requiredTag: "A file without tags gets those that hold for all: add another before this one is removed.",
  editFailed: "The change was not taken",
  reset: (label) => `Back to the default: ${label}`,

  // Undo and redo
  undo: "Undo",
  redo: "Redo",
  changed: (n) => `Changed ${enFiles(n)}`,
  undoneEdit: (n) => `Undid the change to ${enFiles(n)}.`,
  undoneRemoval: (n) => `Restored ${enFiles(n)}.`,
  redoneEdit: (n) => `Changed ${enFiles(n)} again.`,
  redoneRemoval: (n) => `Removed ${enFiles(n)} again.`,
  kept: (n) => EN.plural(n, { one: "# uploaded file is unchanged.", other: "# uploaded files are unchanged." }),
  nothingToDo: { undo: "Nothing to undo", redo: "Nothing to redo" },

  // Notices
  connection: {
    busy: "Python is running another cell. Your changes apply when it finishes.",
    disconnected: "The connection to Python was lost. Reconnecting…",
    restarted: "The kernel was restarted. Run this cell again to continue.",
    stopped: "The kernel has stopped. Start it, then run this cell again to continue.",
  },
  missing: (n) =>
    EN.plural(n, {
      one: "The page was reloaded, so the browser no longer has # file. Choose it again to upload it; your edits are kept.",
      other: "The page was reloaded, so the browser no longer has # files. Choose them again to upload them; your edits are kept.",
    }),
  chooseAgain: "Choose again",
  chooseFolderAgain: "Choose folder",
  chooseOne: (name) => `Choose ${name} again`,
  foundAgain: (n, left) => `Found ${enFiles(n)}.${left ? ` Still missing: ${enFiles(left)}.` : ""}`,
  notInList: (n) => EN.plural(n, { one: "# file isn't in the list and wasn't added.", other: "# files aren't in the list and weren't added." }),
  changedSince: (name) => `“${name}” has changed since it was added. Remove it from the list, then add it again.`,
  offline: "You are offline. Uploads go on when the connection is back.",
  noProgress: "The service does not report progress to browsers here; files are sent all the same.",
  unfinished: (n) =>
    EN.plural(n, {
      one: "# file wasn't finished when the kernel restarted.",
      other: "# files weren't finished when the kernel restarted.",
    }),
  resume: "Resume",
  discard: "Discard",
  dismiss: "Dismiss",
};
