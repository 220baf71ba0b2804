// Pieces that rows of the table and cards of the gallery have in common.

import { copyMenu } from "./copy.js";
import { button, h, setOrDrop } from "./dom.js";
import { bytesText } from "./format.js";
import { icon } from "./icons.js";
import { isBusy, isDown, isUp } from "./states.js";
import { STRINGS } from "./strings.js";

/** Make a progress bar; `fillBar` says how far it is. */
export function bar(label) {
  return h(
    "div",
    { class: "ik-bar", role: "progressbar", "aria-label": label, "aria-valuemin": "0", "aria-valuemax": "100" },
    h("span"),
  );
}

/** Fill a bar to a share of 0 to 1; null is "no telling". */
export function fillBar(element, share) {
  const percent = share === null ? null : Math.round(share * 100);
  setOrDrop(element, "aria-valuenow", percent);
  element.classList.toggle("ik-bar-unsure", percent === null);
  element.firstChild.style.width = percent === null ? "" : `${percent}%`;
}

/** Tell what the person sees a row do: all bytes gone and no answer yet is "processing". */
export function shownState(store, row) {
  const progress = store.progress.get(row.id);
  if (store.cancelling.has(row.id)) return "cancelling";
  if (row.state === "sending" && progress?.total && progress.loaded >= progress.total) return "processing";
  if (row.state === "queued" && progress) return "sending";
  return row.state;
}

/** Tell how far a row is, 0 to 1; null where nobody knows. */
export function shareOf(store, row) {
  const progress = store.progress.get(row.id);
  return progress?.total ? progress.loaded / progress.total : null;
}

export const sizeText = (row) => (row.size === null || row.size === undefined ? "" : bytesText(row.size));
export const folderText = (row) => row.folder || STRINGS.root;

/** Say a row's state in one line, as its second line or its tooltip. */
export function noteOf(row) {
  if (row.state === "invalid") return row.problems?.[0]?.message || "";
  if (isDown(row)) return row.result?.message || STRINGS.stateHints[row.state] || "";
  return "";
}

/** Make the buttons for what can be done with a row now. */
export function actionButtons(ui, row) {
  const make = (sign, label, press) =>
    button({ sign, label, press, kind: "ik-quiet", tabindex: "-1", "data-stop": "" });
  if (isBusy(row)) return [make("close", STRINGS.cancelOne(row.name), () => ui.queue.cancel([row.id]))];
  if (isDown(row)) return [make("retry", STRINGS.retryOne(row.name), () => ui.queue.retry([row.id]))];
  if (isUp(row) && row.result?.url) return upButtons(ui, row, make);
  if (ui.queue.removable(row)) return [make("trash", STRINGS.removeOne(row.name), () => ui.remove([row.id]))];
  return [];
}

function upButtons(ui, row, make) {
  const visit = h(
    "a",
    {
      class: "ik-button ik-quiet",
      href: webAddress(row.result.url),
      target: "_blank",
      rel: "noopener noreferrer",
      "aria-label": STRINGS.visitOf(row.name),
      title: STRINGS.visit,
      tabindex: "-1",
      "data-stop": "",
    },
    icon("visit"),
  );
  const copy = make("copy", STRINGS.copyOf(row.name), (event) => copyMenu(ui, [row], event.currentTarget));
  setOrDrop(copy, "aria-haspopup", "menu");
  return [visit, copy];
}

/** Let only web addresses become links. */
export function webAddress(address) {
  return /^https?:\/\//i.test(address || "") ? address : null;
}
