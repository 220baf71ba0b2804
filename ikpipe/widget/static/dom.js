// Building the page. Text goes in as text nodes only: a file's name can hold anything.

import { icon } from "./icons.js";

/** Make an element: attributes, `on…` listeners, then children (strings become text nodes). */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) setAttribute(element, name, value);
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

function setAttribute(element, name, value) {
  if (value === null || value === undefined || value === false) return;
  if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
  else if (name === "class") element.className = value;
  else if (name === "value") element.value = value;
  else element.setAttribute(name, value === true ? "" : String(value));
}

/** Set an element's text, unless it is there already: most updates change little. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Set an attribute, or take it away where the value is null. */
export function setOrDrop(element, name, value) {
  if (value === null || value === false) element.removeAttribute(name);
  else if (element.getAttribute(name) !== String(value)) element.setAttribute(name, String(value));
}

/** Make a button with a sign, a word, or both; one with a sign alone needs a label. */
export function button({ sign, text, label, kind = "", press, ...attributes }) {
  const children = [sign ? icon(sign) : null, text ? h("span", { class: "ik-word" }, text) : null];
  const names = label && !text ? { "aria-label": label, title: label } : { title: label };
  return h("button", { type: "button", class: `ik-button ${kind}`, onclick: press, ...names, ...attributes }, children);
}

/** Make a pair of callbacks and their end: what was subscribed is given up in one call. */
export class Cleanup {
  constructor() {
    this.list = [];
  }

  add(end) {
    this.list.push(end);
  }

  listen(target, name, listener, options) {
    target.addEventListener(name, listener, options);
    this.add(() => target.removeEventListener(name, listener, options));
  }

  all() {
    for (const end of this.list.splice(0)) end();
  }
}

/** A list of listeners by name. */
export class EventEmitter {
  constructor() {
    this.listeners = new Map();
  }

  /** Listen; the answer ends it. */
  on(name, listener) {
    if (!this.listeners.has(name)) this.listeners.set(name, new Set());
    this.listeners.get(name).add(listener);
    return () => this.listeners.get(name).delete(listener);
  }

  emit(name, ...values) {
    for (const listener of this.listeners.get(name) || []) listener(...values);
  }
}

/** Make a function that runs at most once a frame, however often it is called. */
export function oncePerFrame(run) {
  let asked = false;
  return () => {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => {
      asked = false;
      run();
    });
  };
}

/** Show a small panel at an element; the top layer keeps it above the notebook, Escape and a click beside close it. */
export function popover(root, anchor, content, attributes = {}) {
  const panel = h("div", { class: "ik-popover", popover: "auto", ...attributes }, content);
  (anchor.closest("dialog") || root).append(panel); // what is beside an open dialogue cannot be reached
  panel.addEventListener("toggle", (event) => {
    if (event.newState !== "closed") return;
    const held = panel.contains(panel.getRootNode().activeElement);
    panel.remove();
    if (held && anchor.isConnected) anchor.focus();
  });
  panel.showPopover();
  placeAt(panel, anchor);
  return panel;
}

/** Put a panel under its anchor, or above it where there is no room, inside the window. */
function placeAt(panel, anchor) {
  const at = anchor.getBoundingClientRect();
  const { width, height } = panel.getBoundingClientRect();
  const below = at.bottom + 4 + height <= innerHeight || at.top < height + 8;
  panel.style.left = `${Math.max(8, Math.min(at.left, innerWidth - width - 8))}px`;
  panel.style.top = `${below ? at.bottom + 4 : at.top - height - 4}px`;
}
