// URLs and snippets of uploaded files, for other pages and documents.

import { h } from "./dom.js";
import { familyOf } from "./format.js";
import { openMenu } from "./menu.js";
import { STRINGS } from "./strings.js";

/** @type {Record<string, string>} */
const ENTITIES = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };

/** @param {string} text */
const escapeHtml = (text) => text.replace(/[&<>"']/g, (character) => ENTITIES[character]);

/** @param {string} text */
const escapeMarkdown = (text) => text.replace(/[\\[\]*_`<>]/g, "\\$&");

/**
 * Escape a URL for Markdown: a parenthesis would end it, and `encodeURIComponent` keeps parentheses.
 * @param {string} url
 */
const markdownUrl = (url) => url.replace(/[()\s]/g, (character) => `%${character.charCodeAt(0).toString(16)}`);

/** @type {Record<string, (row: Row, url: string) => string>} */
const SNIPPETS = {
  url: (_row, url) => url,
  html: (row, url) => htmlOf(row, escapeHtml(url), escapeHtml(row.description || row.name)),
  markdown: (row, url) => {
    const text = escapeMarkdown(row.description || row.name);
    return `${familyOf(row) === "image" ? "!" : ""}[${text}](${markdownUrl(url)})`;
  },
};

/** @param {Row} row @param {string} url @param {string} text */
function htmlOf(row, url, text) {
  const family = familyOf(row);
  if (family === "image") return `<img src="${url}" alt="${text}">`;
  if (family === "video" || family === "audio") return `<${family} src="${url}" controls></${family}>`;
  return `<a href="${url}">${text}</a>`;
}

/** Copy snippets of rows, one per line. @param {Ui} ui @param {Row[]} rows @param {string} kind */
export async function copyRows(ui, rows, kind) {
  const snippets = rows.flatMap((row) => (row.result?.url ? SNIPPETS[kind](row, row.result.url) : []));
  const copied = await copyText(snippets.join("\n"), ui.notices.place);
  ui.announce(copied ? STRINGS.copied(snippets.length) : STRINGS.copyFailed, { visible: true });
}

/**
 * Copy text to the clipboard; pages without a secure context have only the old method.
 * @param {string} text @param {Node} place
 */
async function copyText(text, place) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = h("textarea", { class: "ik-hidden", "aria-hidden": "true", value: text });
    place.appendChild(area);
    area.select();
    const copied = document.execCommand("copy");
    area.remove();
    return copied;
  }
}

const CHOICES = [
  ["url", STRINGS.copyUrl],
  ["html", STRINGS.copyHtml],
  ["markdown", STRINGS.copyMarkdown],
];

/** Open the menu of what can be copied. @param {Ui} ui @param {Row[]} rows @param {HTMLElement} anchor */
export function copyMenu(ui, rows, anchor) {
  const entries = CHOICES.map(([kind, text]) => ({ text, press: () => void copyRows(ui, rows, kind) }));
  openMenu(ui, anchor, STRINGS.copy, entries);
}
