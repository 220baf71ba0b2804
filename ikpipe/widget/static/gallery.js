// The gallery: cards with a thumbnail, as many per line as there is room for.

import { h, setText } from "./dom.js";
import { kindText, sizeText } from "./format.js";
import { cardButtons } from "./row-actions.js";
import {
  fillBar,
  fillIfChanged,
  folderText,
  isPrivate,
  noteOf,
  privateSign,
  progressBar,
  selectionMark,
  shareOf,
  shownState,
  stateIcon,
} from "./row-parts.js";
import { isUploaded } from "./states.js";
import { STRINGS } from "./strings.js";

const GAP = 12; // pixels
const TEXT_HEIGHT = 56; // pixels of a card below its picture
const NARROW = 440; // pixels, below which there are two cards per line
const SHAPE = 0.86; // of a picture: its height by its width

/** @type {Layout} */
export const galleryLayout = {
  name: "gallery",
  measure: (width, view) => {
    const room = width - GAP;
    const perLine = width < NARROW ? 2 : Math.max(1, Math.floor(room / (view.cardSize + GAP)));
    const card = room / perLine - GAP;
    return { perLine, lineHeight: Math.round(card * SHAPE) + TEXT_HEIGHT + GAP };
  },
  header: () => null,
  create: createCard,
  fill: fillCard,
};

function createCard() {
  const parts = {
    thumbnail: h("div", { class: "ik-thumb" }),
    badge: h("span", { class: "ik-badge" }),
    name: h("span", { class: "ik-text" }),
    note: h("span", { class: "ik-note" }),
    bar: h("span", { class: "ik-card-bar" }),
    buttons: h("span", { class: "ik-card-actions" }),
    lock: h("span", { class: "ik-lock" }),
  };
  const { thumbnail, badge, bar, buttons } = parts;
  const frame = h("div", { class: "ik-frame" }, thumbnail, selectionMark(), badge, bar, buttons);
  const attributes = { class: "ik-card", role: "gridcell", tabindex: "-1", "data-stop": "" };
  const note = h("span", { class: "ik-note-line" }, parts.lock, parts.note);
  return Object.assign(h("div", attributes, frame, parts.name, note), { ik: { cells: {}, parts, shown: {} } });
}

/** @param {Ui} ui @param {Item} item @param {Row} row */
function fillCard(ui, item, row) {
  const { parts } = item.ik;
  const state = shownState(ui.store, row);
  setText(parts.name, row.name);
  const share = shareOf(ui.store, row);
  setText(parts.note, cardNote(row, state, share === null ? null : Math.round(100 * share)));
  item.title = [row.name, folderText(row), noteOf(row)].filter(Boolean).join("\n");
  item.classList.toggle("ik-bad", row.state === "invalid");
  ui.thumbnails.show(parts.thumbnail, row);
  fillIfChanged(item, "buttons", `${row.id} ${row.name}`, () => parts.buttons.replaceChildren(cardButtons(ui, row)));
  fillIfChanged(item, "lock", String(isPrivate(ui, row)), () =>
    parts.lock.replaceChildren(...(isPrivate(ui, row) ? [privateSign()] : [])),
  );
  fillIfChanged(item, "badge", state, () =>
    parts.badge.replaceChildren(...(state === "ready" ? [] : [stateIcon(state)])),
  );
  fillIfChanged(item, "bar", `${row.id} ${state === "sending"}`, () => {
    parts.bar.replaceChildren(...(state === "sending" ? [progressBar(STRINGS.progressOne(row.name))] : []));
  });
  if (parts.bar.firstElementChild) fillBar(parts.bar.firstElementChild, share);
}

/**
 * Return a card's second line: its problems, else its state, else its type and size.
 * @param {Row} row @param {ShownState} state @param {number | null} percent
 */
function cardNote(row, state, percent) {
  if (row.state === "invalid") return STRINGS.problems(row.problems?.length || 1);
  if (state === "sending" && percent !== null) return STRINGS.withPercent(STRINGS.states.sending, percent);
  if (row.state !== "ready" && !isUploaded(row)) return STRINGS.states[state];
  return [isUploaded(row) ? STRINGS.states[state] : kindText(row), sizeText(row)].filter(Boolean).join(" · ");
}
