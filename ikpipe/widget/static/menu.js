// Menus: of what can be done with a row, and of what can be copied.

import { h, popover, stepOf } from "./dom.js";
import { icon } from "./icons.js";

/** @typedef {{ text: string, icon?: string, href?: string, press?: (anchor: HTMLElement) => void }} MenuEntry */

/**
 * Open a menu at an element, or at a point of the window.
 * @param {Ui} ui @param {HTMLElement} anchor @param {string} label @param {MenuEntry[]} entries
 * @param {{ x: number, y: number }} [point]
 */
export function openMenu(ui, anchor, label, entries, point) {
  const items = entries.map((entry) => menuItem(entry, () => choose(entry)));
  const menu = popover(ui.root, anchor, items, { role: "menu", "aria-label": label }, point);
  /** @param {MenuEntry} entry */
  const choose = ({ press }) => {
    menu.hidePopover();
    anchor.focus({ preventScroll: true });
    press?.(anchor);
  };
  menu.classList.add("ik-menu");
  menu.addEventListener("keydown", (event) => {
    const step = stepOf(event.key, "ArrowUp", "ArrowDown");
    if (!step) return;
    event.preventDefault();
    const at = items.findIndex((item) => item === event.target);
    items[(at + step + items.length) % items.length].focus();
  });
  items[0]?.focus();
}

/** @param {MenuEntry} entry @param {() => void} choose */
function menuItem({ text, icon: iconName, href }, choose) {
  const fixed = { class: "ik-item", role: "menuitem", tabindex: "-1", onclick: choose };
  const content = [iconName ? icon(iconName) : null, text];
  if (href) return h("a", { ...fixed, href, target: "_blank", rel: "noopener noreferrer" }, content);
  return h("button", { type: "button", ...fixed }, content);
}
