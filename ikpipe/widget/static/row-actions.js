// What can be done with a row: as buttons in the table, and as a menu at a card or at the pointer.

import { copyMenu } from "./copy.js";
import { confirmDeletion } from "./deletion.js";
import { button, h, setAttribute } from "./dom.js";
import { webAddress } from "./format.js";
import { openMenu } from "./menu.js";
import { fileLink, shownState } from "./row-parts.js";
import { isBusy, isChangeable, isEditable, isRetryable, isUploaded } from "./states.js";
import { STRINGS } from "./strings.js";

/**
 * @typedef {object} RowAction
 * @property {string} icon
 * @property {string} text in a menu
 * @property {string} label of a button, with the file's name
 * @property {(anchor: HTMLElement) => void} [press]
 * @property {string} [href]
 * @property {boolean} [urgent] whether its button is shown without the pointer or the focus on the row
 * @property {boolean} [menu] whether it opens a menu
 * @property {boolean} [local] whether it works while Python cannot answer
 */

/** Return what can be done with a row now. @param {Ui} ui @param {Row} row @returns {RowAction[]} */
export function rowActions(ui, row) {
  const { name, id } = row;
  const url = isUploaded(row) ? webAddress(row.result?.url) : null;
  const editable = isEditable(row) || isChangeable(ui.queue, row);
  /** @type {(RowAction | null | false)[]} */
  const actions = [
    { icon: "eye", text: STRINGS.previewFile, label: STRINGS.previewOne(name), press: () => ui.preview(id), local: true },
    {
      icon: editable ? "edit" : "info",
      text: editable ? STRINGS.edit : STRINGS.details,
      label: editable ? STRINGS.editOne(name) : STRINGS.detailsOne(name),
      press: () => ui.edit([id]),
    },
    url !== null && { icon: "visit", text: STRINGS.openUrl, label: STRINGS.openFile(name), href: url },
    url !== null && {
      icon: "copy",
      text: STRINGS.copy,
      label: STRINGS.copyLink(name),
      press: (/** @type {HTMLElement} */ anchor) => copyMenu(ui, [row], anchor),
      menu: true,
      local: true,
    },
    ui.queue.isRemovable(row) && {
      icon: "trash",
      text: STRINGS.remove,
      label: STRINGS.removeOne(name),
      press: () => ui.remove([id]),
    },
    ui.queue.canLeaveOut(row) && leaveOutAction(ui, row),
    isChangeable(ui.queue, row) && {
      icon: "trash",
      text: STRINGS.deleteFile,
      label: STRINGS.deleteOne(name),
      press: () => confirmDeletion(ui, [row]),
    },
    urgentAction(ui, row), // the last one, which stays where it is while the others are shown
  ];
  return actions.filter((action) => action !== null && action !== false).map((action) => guarded(ui, action));
}

/** Return an action that says why it does nothing while Python cannot answer. @param {Ui} ui @param {RowAction} action */
function guarded(ui, action) {
  const { press, local } = action;
  if (!press || local) return action;
  return { ...action, press: (/** @type {HTMLElement} */ anchor) => !ui.isOff() && press(anchor) };
}

/** Return the action that leaves a row out of the upload, or takes it in again. @param {Ui} ui @param {Row} row */
function leaveOutAction(ui, { id, name, state }) {
  const isOut = state === "left_out";
  const press = () => ui.leaveOut([id], !isOut);
  if (isOut) return { icon: "plus", text: STRINGS.takeIn, label: STRINGS.takeInOne(name), press };
  return { icon: "stop", text: STRINGS.leaveOut, label: STRINGS.leaveOutOne(name), press };
}

/** Return what a row waits for: to be cancelled, sent again or chosen again. @param {Ui} ui @param {Row} row */
function urgentAction({ queue, store, picker }, row) {
  const { name, id } = row;
  const urgent = true;
  const state = shownState(store, row);
  if (state === "cancelling" || state === "checking") {
    const press = () => queue.stopNow([id]);
    return { icon: "stop", text: STRINGS.stopNow, label: STRINGS.stopNowOne(name), press, urgent };
  }
  if (isBusy(row)) {
    const press = () => queue.cancel([id]);
    return { icon: "close", text: STRINGS.cancel, label: STRINGS.cancelOne(name), press, urgent };
  }
  if (isRetryable(row)) {
    const press = () => queue.retry([id]);
    return { icon: "retry", text: STRINGS.retry, label: STRINGS.retryOne(name), press, urgent };
  }
  if (row.state === "deleted") {
    const press = () => queue.retry([id]);
    return { icon: "upload", text: STRINGS.uploadAgain, label: STRINGS.uploadAgainOne(name), press };
  }
  if (row.state !== "missing") return null;
  const press = () => picker.chooseAgain();
  return { icon: "folder", text: STRINGS.chooseAgain, label: STRINGS.chooseOne(name), press, urgent };
}

/**
 * Create the buttons of a row of the table, with one for the menu where there is no room for them.
 * @param {Ui} ui @param {Row} row
 */
export function actionButtons(ui, row) {
  const buttons = rowActions(ui, row).map((action) => actionButton(action));
  return [...buttons, menuButton(ui, row.id, row.name)];
}

const FOCUS = { tabindex: "-1", "data-stop": "" };

/** @param {RowAction} action */
function actionButton({ icon, label, press, href, urgent, menu, local }) {
  const kind = `ik-quiet ${urgent ? "ik-urgent" : ""} ${local ? "ik-local" : ""}`;
  if (href) return fileLink(href, { class: `ik-button ${kind}`, "aria-label": label, title: label, ...FOCUS });
  const onpress = (/** @type {On<Event>} */ event) => press?.(event.currentTarget);
  const element = button({ icon, label, press: onpress, kind, ...FOCUS });
  setAttribute(element, "aria-haspopup", Boolean(menu) && "menu");
  return element;
}

/** Create the button of a row's menu. @param {Ui} ui @param {string} id @param {string} name */
export function menuButton(ui, id, name) {
  const press = (/** @type {On<Event>} */ event) => openRowMenu(ui, id, event.currentTarget);
  const label = STRINGS.moreActions(name);
  return button({ icon: "more", label, press, kind: "ik-quiet ik-more-button", "aria-haspopup": "menu", ...FOCUS });
}

/** Create the preview and menu buttons of a card. @param {Ui} ui @param {Row} row */
export function cardButtons(ui, { id, name }) {
  const label = STRINGS.previewOne(name);
  const preview = button({ icon: "eye", label, press: () => ui.preview(id), tabindex: "-1" });
  const more = menuButton(ui, id, name);
  more.removeAttribute("data-stop"); // the card is the stop of the arrow keys, Tab reaches its buttons
  more.classList.remove("ik-quiet");
  return h("span", { class: "ik-card-buttons" }, preview, more);
}

/**
 * Open the menu of a row, at an element or a point of the window.
 * @param {Ui} ui @param {string} id @param {HTMLElement} anchor @param {{ x: number, y: number }} [point]
 */
export function openRowMenu(ui, id, anchor, point) {
  const row = ui.store.get(id);
  if (row) openMenu(ui, anchor, STRINGS.moreActions(row.name), rowActions(ui, row), point);
}
