// Dialogs with a form.

import { h } from "./dom.js";

/**
 * Open a dialog, with buttons at its end; Ctrl+Enter submits it. Return it and a promise of its end.
 * @param {Ui} ui @param {string} title @param {Child[]} content @param {HTMLElement[]} buttons @param {() => void} submit
 */
export function openDialog(ui, title, content, buttons, submit) {
  const dialog = h("dialog", { class: "ik-dialog", "aria-label": title }, [
    h("h2", { class: "ik-text" }, title),
    ...content,
    h("div", { class: "ik-buttons" }, buttons),
  ]);
  dialog.addEventListener("keydown", (event) => {
    event.stopPropagation();
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) submit();
  });
  const closed = new Promise((resolve) => dialog.addEventListener("close", resolve)).then(() => {
    dialog.remove();
    ui.root.focus({ preventScroll: true });
  });
  ui.root.append(dialog);
  dialog.showModal();
  return { dialog, closed };
}

/** A place for what is wrong with a form, which screen readers read out. */
export class FormProblem {
  constructor() {
    this.element = h("p", { class: "ik-problem-text", role: "alert", hidden: true });
  }

  /** Show a problem, or none, and return whether there is one. @param {string} text */
  show(text) {
    this.element.hidden = !text;
    this.element.textContent = text;
    return Boolean(text);
  }
}
