// The gallery: cards with a picture, as many a line as there is room for.

import { h, setText } from "./dom.js";
import { kindText } from "./format.js";
import { bar, fillBar, folderText, noteOf, shareOf, shownState, sizeText } from "./row-parts.js";
import { isUp } from "./states.js";
import { STRINGS } from "./strings.js";
import { fillOnce, mark, stateSign } from "./table.js";

const CARD = { width: 156, small: 128, height: 196, gap: 12, edge: 12 };
const NARROW = 440;

export const galleryLayout = {
  name: "gallery",
  height: CARD.height + CARD.gap,
  per: (width) => cardsIn(width - 2 * CARD.edge, width < NARROW ? CARD.small : CARD.width),
  header: () => null,
  create: () => createCard(),
  fill: (ui, element, row) => fillCard(ui, element, row),
};

const cardsIn = (room, width) => Math.max(1, Math.floor((room + CARD.gap) / (width + CARD.gap)));

function createCard() {
  const parts = {
    thumb: h("div", { class: "ik-thumb" }),
    sign: h("span", { class: "ik-badge" }),
    name: h("span", { class: "ik-text" }),
    note: h("span", { class: "ik-note" }),
    bar: h("span", { class: "ik-card-bar" }),
  };
  const frame = h("div", { class: "ik-frame" }, parts.thumb, mark(), parts.sign, parts.bar);
  const element = h(
    "div",
    { class: "ik-card", role: "gridcell", tabindex: "-1", "data-stop": "" },
    frame,
    parts.name,
    parts.note,
  );
  element.ik = { parts, shown: {} };
  return element;
}

function fillCard(ui, element, row) {
  const { parts } = element.ik;
  const state = shownState(ui.store, row);
  setText(parts.name, row.name);
  setText(parts.note, cardNote(row, state));
  element.title = [row.name, folderText(row), noteOf(row)].filter(Boolean).join("\n");
  element.classList.toggle("ik-bad", row.state === "invalid");
  ui.thumbnails.show(parts.thumb, row);
  fillOnce(element, "sign", state, () => parts.sign.replaceChildren(...(state === "ready" ? [] : [stateSign(state)])));
  fillOnce(element, "bar", `${row.id} ${state === "sending"}`, () => {
    parts.bar.replaceChildren(...(state === "sending" ? [bar(STRINGS.progressOne(row.name))] : []));
  });
  if (parts.bar.firstChild) fillBar(parts.bar.firstChild, shareOf(ui.store, row));
}

/** Say the most important thing of a card in one line: its trouble, what it is doing, else what it is. */
function cardNote(row, state) {
  if (row.state === "invalid") return STRINGS.problems(row.problems?.length || 1);
  if (row.state !== "ready" && !isUp(row)) return STRINGS.states[state];
  return [isUp(row) ? STRINGS.states[state] : kindText(row), sizeText(row)].filter(Boolean).join(" · ");
}
