// The states of rows, and what they mean.

export const isBusy = (row) => row.state === "queued" || row.state === "sending" || row.state === "processing";
export const isUp = (row) => row.state === "uploaded" || row.state === "exists" || row.state === "accepted";
/** Tell whether a row may be changed or taken away: nothing of it is stored, and nothing is on its way. */
export const isFree = (row) => !isBusy(row) && !isUp(row) && row.state !== "unknown";
export const isDown = (row) => row.state === "failed" || row.state === "unknown" || row.state === "cancelled";

/** Tell the group of a row's state, as the footer counts them. */
export function groupOf(state) {
  if (state === "ready") return "ready";
  if (state === "invalid") return "mend";
  if (isBusy({ state })) return "busy";
  return isUp({ state }) ? "up" : "failed";
}

export const STATE_SIGNS = {
  ready: "ready",
  invalid: "warn",
  queued: "clock",
  sending: "up",
  processing: "clock",
  uploaded: "check",
  exists: "check",
  accepted: "check",
  failed: "bad",
  unknown: "question",
  cancelled: "stop",
  cancelling: "clock",
};
