// The states of rows, and what each allows.

/** @typedef {{ state: ShownState, result?: Result }} Stateful */

/** Whether a row is being uploaded, or waits for it. @param {Stateful} row */
export const isBusy = ({ state }) => state === "queued" || state === "sending" || state === "processing";

const IN_LIBRARY = new Set(["uploaded", "exists", "accepted", "skipped", "unchanged", "updated", "duplicate"]);

/** Whether the file of a row is in the library. @param {Stateful} row */
export const isUploaded = ({ state }) => IN_LIBRARY.has(state);

/** Whether a row may be changed or removed: nothing of it is stored or on its way. @param {Stateful} row */
export const isEditable = (row) =>
  !isBusy(row) && !isUploaded(row) && row.state !== "unknown" && row.state !== "deleted";

const CHANGEABLE = new Set(["uploaded", "exists", "updated", "unchanged"]);

/**
 * Whether the file of a row can be changed in the library: others share it with another row, or left it alone.
 * @param {Queue} queue @param {Row} row
 */
export const isChangeable = ({ settings }, { state, result }) =>
  CHANGEABLE.has(state) && Boolean(result?.file_id) && settings.can_search !== false;

/**
 * Return why the files of uploaded rows cannot be changed in the library: the name of a sentence.
 * @param {Queue} queue @param {Row[]} rows @returns {"noKey" | "inProgress" | "notOwn"}
 */
export function readOnlyReason({ settings }, rows) {
  if (settings.can_search === false) return "noKey";
  return rows.some((row) => row.state === "skipped" || row.state === "duplicate") ? "notOwn" : "inProgress";
}

/** Whether a row was sent and not uploaded, as far as the kernel knows. @param {Stateful} row */
export const isNotUploaded = ({ state }) => state === "failed" || state === "unknown" || state === "cancelled";

/** Whether such a row can be sent again, and may have another result then. @param {Stateful} row */
export const isRetryable = (row) => isNotUploaded(row) && !row.result?.final;

const OWN_GROUPS = new Set(["ready", "invalid", "missing", "cancelled", "deleted", "left_out"]);

/** Return the group in which a state is counted. @type {(state: RowState) => Group} */
export function groupOf(state) {
  if (OWN_GROUPS.has(state)) return /** @type {Group} */ (state);
  if (isBusy({ state })) return "busy";
  return isUploaded({ state }) ? "uploaded" : "failed";
}

/** @type {Record<ShownState, string>} */
export const STATE_ICONS = {
  ready: "ready",
  invalid: "warn",
  queued: "clock",
  sending: "up",
  processing: "clock",
  uploaded: "check",
  exists: "check",
  accepted: "check",
  skipped: "check",
  unchanged: "check",
  updated: "check",
  duplicate: "check",
  failed: "bad",
  unknown: "question",
  cancelled: "stop",
  cancelling: "clock",
  checking: "clock",
  missing: "question",
  changing: "clock",
  deleted: "trash",
  left_out: "stop",
};
