// The gallery: cards with a thumbnail, as many per line as there is room for.

import { h, setText } from "./dom.js";
import { kindText, sizeText } from "./format.js";
import {
  fillBar,
  fillIfChanged,
  folderText,
  noteOf,
  progressBar,
  selectionMark,
  shareOf,
  shownState,
  stateIcon,
} from "./row-parts.js";
import { isUploaded } from "./states.js";
import { STRINGS } from "./strings.js";

const CARD = { width: 156, narrow: 128, height: 196, gap: 12, margin: 12 }; // pixels
const NARROW = 440; // pixels, below which cards are narrow

/** @type {Layout} */
export const galleryLayout = {
  name: "gallery",
  height: CARD.height + CARD.gap,
  perLine: (width) => {
    const card = (width < NARROW ? CARD.narrow : CARD.width) + CARD.gap;
    return Math.max(1, Math.floor((width - 2 * CARD.margin + CARD.gap) / card));
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
  };
  const frame = h("div", { class: "ik-frame" }, parts.thumbnail, selectionMark(), parts.badge, parts.bar);
  const attributes = { class: "ik-card", role: "gridcell", tabindex: "-1", "data-stop": "" };
  return Object.assign(h("div", attributes, frame, parts.name, parts.note), { ik: { cells: {}, parts, shown: {} } });
}

/** @param {Ui} ui @param {Item} item @param {Row} row */
function fillCard(ui, item, row) {
  const { parts } = item.ik;
  const state = shownState(ui.store, row);
  setText(parts.name, row.name);
  setText(parts.note, cardNote(row, state));
  item.title = [row.name, folderText(row), noteOf(row)].filter(Boolean).join("\n");
  item.classList.toggle("ik-bad", row.state === "invalid");
  ui.thumbnails.show(parts.thumbnail, row);
  fillIfChanged(item, "badge", state, () =>
    parts.badge.replaceChildren(...(state === "ready" ? [] : [stateIcon(state)])),
  );
  fillIfChanged(item, "bar", `${row.id} ${state === "sending"}`, () => {
    parts.bar.replaceChildren(...(state === "sending" ? [progressBar(STRINGS.progressOne(row.name))] : []));
  });
  if (parts.bar.firstElementChild) fillBar(parts.bar.firstElementChild, shareOf(ui.store, row));
}

/**
 * Return a card's second line: its problems, else its state, else its type and size.
 * @param {Row} row @param {ShownState} state
 */
function cardNote(row, state) {
  if (row.state === "invalid") return STRINGS.problems(row.problems?.length || 1);
  if (row.state !== "ready" && !isUploaded(row)) return STRINGS.states[state];
  return [isUploaded(row) ? STRINGS.states[state] : kindText(row), sizeText(row)].filter(Boolean).join(" · ");
}
