// Addresses and snippets of what is up, for other pages and documents.

import { h, popover } from "./dom.js";
import { familyOf } from "./format.js";
import { STRINGS } from "./strings.js";

const escapeHtml = (text) =>
  text.replace(/[&<>"']/g, (one) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" })[one]);

const escapeMarkdown = (text) => text.replace(/[\\[\]*_`<>]/g, "\\$&");

// a parenthesis would end the address, and `encodeURIComponent` leaves it
const markdownUrl = (url) => url.replace(/[()\s]/g, (one) => `%${one.charCodeAt(0).toString(16)}`);

const SNIPPETS = {
  url: (row) => row.result.url,
  html: (row) => htmlOf(row, escapeHtml(row.result.url), escapeHtml(row.description || row.name)),
  markdown: (row) => markdownOf(row, markdownUrl(row.result.url), escapeMarkdown(row.description || row.name)),
};

function htmlOf(row, url, text) {
  const family = familyOf(row);
  if (family === "image") return `<img src="${url}" alt="${text}">`;
  if (family === "video" || family === "audio") return `<${family} src="${url}" controls></${family}>`;
  return `<a href="${url}">${text}</a>`;
}

function markdownOf(row, url, text) {
  return `${familyOf(row) === "image" ? "!" : ""}[${text}](${url})`;
}

/** Copy snippets of rows, a line each. */
async function copyRows(ui, rows, kind) {
  const able = rows.filter((row) => row.result?.url);
  const copied = await copyText(able.map(SNIPPETS[kind]).join("\n"), ui.notices.place);
  ui.say(copied ? STRINGS.copied(able.length) : STRINGS.copyFailed, { shown: true });
}

/** Put text on the clipboard; pages that are not secure have only the old way. */
async function copyText(text, root) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = h("textarea", { class: "ik-hidden", "aria-hidden": "true", value: text });
    root.append(area);
    area.select();
    const copied = document.execCommand("copy");
    area.remove();
    return copied;
  }
}

const COPY_CHOICES = [
  ["url", STRINGS.copyUrl],
  ["html", STRINGS.copyHtml],
  ["markdown", STRINGS.copyMarkdown],
];

/** Open the menu of what can be copied. */
export function copyMenu(ui, rows, anchor) {
  const choose = (kind) => {
    menu.hidePopover();
    anchor.focus();
    copyRows(ui, rows, kind);
  };
  const items = COPY_CHOICES.map(([kind, text]) =>
    h(
      "button",
      { type: "button", class: "ik-item", role: "menuitem", tabindex: "-1", onclick: () => choose(kind) },
      text,
    ),
  );
  const menu = popover(ui.root, anchor, items, { role: "menu", "aria-label": STRINGS.copy });
  menu.classList.add("ik-menu");
  menu.addEventListener("keydown", (event) => moveInMenu(event, items));
  items[0].focus();
}

function moveInMenu(event, items) {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!step) return;
  event.preventDefault();
  const at = items.indexOf(event.target);
  items[(at + step + items.length) % items.length].focus();
}
