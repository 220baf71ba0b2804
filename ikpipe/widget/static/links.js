// Files at URLs: pasted, dropped, or typed in a dialog. The kernel adds their rows.

import { FormProblem, openDialog } from "./dialogs.js";
import { button, h } from "./dom.js";
import { messageOf } from "./kernel.js";
import { STRINGS } from "./strings.js";

const URLS_PER_MESSAGE = 500;
const LONGEST = 4096; // characters of a URL
const MAX_SHOWN = 5; // lines that the dialog names

/**
 * Return the URLs in text, one a line, or null if a line is something else; lines of a dropped list that start with "#"
 * are comments.
 * @param {string} text
 */
export function linksIn(text) {
  const lines = text.split(/[\r\n]+/).map((line) => line.trim());
  const urls = lines.filter((line) => line && !line.startsWith("#"));
  return urls.length && urls.every(isLink) ? urls : null;
}

/** @param {string} text */
export function isLink(text) {
  if (!/^https?:\/\/\S/i.test(text) || text.length > LONGEST) return false;
  return URL.canParse(text);
}

/** Add rows for URLs, but those that are in the list only if the user asks for it. @param {Queue} queue @param {string[]} urls */
export function addLinks(queue, urls) {
  const known = new Set([...queue.store.rows.values()].flatMap((row) => row.href ?? []));
  /** @type {Record<"fresh" | "listed", string[]>} */
  const parts = { fresh: [], listed: [] };
  for (const url of urls) {
    const { href } = new URL(url);
    parts[known.has(href) || known.has(url) ? "listed" : "fresh"].push(url);
    known.add(href);
  }
  sendLinks(queue, parts.fresh);
  if (!parts.listed.length) return;
  const press = () => sendLinks(queue, parts.listed);
  const text = STRINGS.linksListed(parts.listed.length);
  queue.emit("offer", { icon: "copy", text, action: STRINGS.addAnyway, press });
}

/** @param {Queue} queue @param {string[]} urls */
async function sendLinks(queue, urls) {
  let added = 0;
  for (let start = 0; start < urls.length; start += URLS_PER_MESSAGE) {
    const batch = urls.slice(start, start + URLS_PER_MESSAGE);
    try {
      const { ids, refused } = await queue.kernel.request({ type: "add_urls", urls: batch });
      added += ids.length;
      if (refused.length) queue.emit("trouble", STRINGS.linksInvalid(refused.length, batch[refused[0]]));
      for (const id of ids) queue.fresh.add(id);
      queue.showFresh();
    } catch (error) {
      queue.emit("trouble", messageOf(error));
    }
  }
  if (added) queue.emit("announce", STRINGS.linksAdded(added), { visible: true });
}

/** Ask for URLs; what was typed stays until they are added. @param {Ui} ui */
export function openLinkDialog(ui) {
  if (ui.isOff()) return;
  const problem = new FormProblem();
  const area = h("textarea", {
    class: "ik-links",
    "aria-label": STRINGS.linksLabel,
    placeholder: "https://example.com/photo.jpg",
    rows: "8",
    spellcheck: "false",
    value: ui.linkText ?? "",
    oninput: () => (ui.linkText = area.value),
  });
  const add = () => {
    const lines = area.value.split(/\r?\n/).map((line) => line.trim());
    const bad = lines.flatMap((line, at) => (line && !isLink(line) ? [at + 1] : []));
    const urls = lines.filter(Boolean);
    const text = bad.length ? STRINGS.badLines(bad.length, firstOf(bad)) : STRINGS.noLinks;
    if (problem.show(!bad.length && urls.length ? "" : text)) {
      area.focus();
      return;
    }
    ui.linkText = "";
    dialog.close();
    addLinks(ui.queue, urls);
  };
  const buttons = [
    button({ text: STRINGS.cancel, press: () => dialog.close() }),
    button({ text: STRINGS.add, kind: "ik-primary", press: add }),
  ];
  const content = [h("p", { class: "ik-quiet-text" }, STRINGS.linksHint), area, problem.element];
  const { dialog } = openDialog(ui, STRINGS.addLinks, content, buttons, add);
  area.focus();
}

/** Return the first of some numbers as text, and how many others there are. @param {number[]} numbers */
function firstOf(numbers) {
  const shown = numbers.slice(0, MAX_SHOWN).join(", ");
  return numbers.length > MAX_SHOWN ? STRINGS.andMore(shown, numbers.length - MAX_SHOWN) : shown;
}
