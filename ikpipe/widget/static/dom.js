// Elements of the page. Text is added as text nodes only, since a file's name can contain anything.

import { icon } from "./icons.js";

/**
 * Create an element with attributes, `on…` listeners and children. Strings become text nodes.
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Attributes} attributes
 * @param {...(Child | Child[])} children
 */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "class") element.className = value;
    else if (name === "value") Object.assign(element, { value });
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  for (const child of children.flat()) if (child) element.append(child);
  return element;
}

/**
 * Set an element's text if it differs: most updates change little.
 * @param {Element | null} element @param {string} text
 */
export function setText(element, text) {
  if (element && element.textContent !== text) element.textContent = text;
}

/**
 * Set an attribute, or remove it if the value is null or false.
 * @param {Element} element @param {string} name @param {string | number | boolean | null} value
 */
export function setAttribute(element, name, value) {
  if (value === null || value === false) element.removeAttribute(name);
  else if (element.getAttribute(name) !== String(value)) element.setAttribute(name, String(value));
}

/** Create a button with an icon, text, or both; one with an icon alone needs a label. @param {ButtonOptions} options */
export function button({ icon: iconName, text, label, kind = "", press, ...attributes }) {
  const children = [iconName && icon(iconName), text && h("span", { class: "ik-word" }, text)];
  const names = { "aria-label": text ? null : label, title: label };
  return h("button", { type: "button", class: `ik-button ${kind}`, onclick: press, ...names, ...attributes }, children);
}

/** Set the text of a button. @param {HTMLElement} element @param {string} text */
export function setButtonText(element, text) {
  setText(element.querySelector(".ik-word"), text);
}

/** Functions to call when a part of the page closes. */
export class Cleanup {
  constructor() {
    /** @type {(() => void)[]} */
    this.functions = [];
  }

  /** @param {...(() => void)} functions */
  add(...functions) {
    this.functions.push(...functions);
  }

  /**
   * @param {EventTarget} target
   * @param {string} name @param {(event: any) => void} listener @param {object} [options]
   */
  listen(target, name, listener, options) {
    target.addEventListener(name, listener, options);
    this.add(() => target.removeEventListener(name, listener, options));
  }

  run() {
    for (const end of this.functions.splice(0)) end();
  }
}

/** Calls listeners by the name of an event. */
export class EventEmitter {
  constructor() {
    /** @type {Map<string, Set<(...values: any[]) => void>>} */
    this.listeners = new Map();
  }

  /**
   * Add a listener and return a function that removes it.
   * @param {string} name @param {(...values: any[]) => void} listener
   */
  on(name, listener) {
    const listeners = this.listeners.get(name) ?? new Set();
    this.listeners.set(name, listeners.add(listener));
    return () => void listeners.delete(listener);
  }

  /** @param {string} name @param {...any} values */
  emit(name, ...values) {
    for (const listener of this.listeners.get(name) ?? []) listener(...values);
  }
}

/** Return a function that runs another one at most once per frame. @param {() => void} run */
export function oncePerFrame(run) {
  let requested = false;
  return () => {
    if (requested) return;
    requested = true;
    requestAnimationFrame(() => {
      requested = false;
      run();
    });
  };
}

/**
 * Show a small panel at an element. It is in the top layer, above the notebook; Escape or a click outside closes it.
 * @param {HTMLElement} root @param {HTMLElement} anchor @param {Child[]} content @param {Attributes} attributes
 * @param {{ x: number, y: number }} [point] of the window, instead of the element's place
 */
export function popover(root, anchor, content, attributes, point) {
  const panel = h("div", { class: "ik-popover", popover: "auto", ...attributes }, content);
  (anchor.closest("dialog") || root).append(panel); // outside an open dialog, nothing can be clicked
  panel.addEventListener("toggle", (event) => {
    if (event.newState !== "closed") return;
    const hadFocus = panel.contains(activeElement(panel));
    panel.remove();
    if (hadFocus && anchor.isConnected) anchor.focus();
  });
  panel.showPopover();
  placeAt(panel, point ? new DOMRect(point.x, point.y, 0, 0) : anchor.getBoundingClientRect());
  return panel;
}

/**
 * Place a panel inside the window, below its anchor or, without room there, above.
 * @type {(panel: HTMLElement, at: DOMRect) => void}
 */
function placeAt(panel, at) {
  const { width, height } = panel.getBoundingClientRect();
  const below = at.bottom + 4 + height <= innerHeight || at.top < height + 8;
  panel.style.left = `${Math.max(8, Math.min(at.left, innerWidth - width - 8))}px`;
  panel.style.top = `${below ? at.bottom + 4 : at.top - height - 4}px`;
}

/** Return the element with the focus, also where the widget is in a shadow root. @param {Node} node */
export function activeElement(node) {
  return /** @type {Document | ShadowRoot} */ (node.getRootNode()).activeElement;
}

/**
 * Return the step that a key stands for: -1, 1, or 0 for another key.
 * @param {string} key @param {string} back @param {string} forward
 */
export const stepOf = (key, back, forward) => Number(key === forward) - Number(key === back);
