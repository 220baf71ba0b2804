// One view of an uploader: its parts, and what they ask of each other.

import { button, Cleanup, h, setAttribute } from "./dom.js";
import { DuplicateGroups } from "./duplicate-groups.js";
import { Editor } from "./editor.js";
import { Footer } from "./footer.js";
import { Grid } from "./grid.js";
import { Notices } from "./notices.js";
import { emptyState, FilePicker } from "./picking.js";
import { ProblemGroups } from "./problem-groups.js";
import { Preview } from "./preview.js";
import { SharedValues } from "./shared-values.js";
import { isEditable } from "./states.js";
import { LANGUAGE, STRINGS } from "./strings.js";
import { followTheme } from "./theme.js";
import { Thumbnails } from "./thumbnails.js";
import { Toolbar } from "./toolbar.js";
import { closeQueue, queueOf } from "./unfinished.js";
import { View } from "./view.js";

const STEPS_DONE = {
  undo: { edit: STRINGS.undoneEdit, remove: STRINGS.undoneRemoval },
  redo: { edit: STRINGS.redoneEdit, remove: STRINGS.redoneRemoval },
};

export class Ui {
  /** @param {Queue} queue @param {HTMLElement} root */
  constructor(queue, root) {
    this.queue = queue;
    this.store = queue.store;
    this.root = root;
    this.cleanup = new Cleanup();
    this.view = new View(queue);
    this.thumbnails = new Thumbnails(queue);
    this.notices = new Notices(this);
    this.picker = new FilePicker(this);
    this.problemGroups = new ProblemGroups(this);
    this.duplicateGroups = new DuplicateGroups(this);
    this.shared = new SharedValues(this);
    this.toolbar = new Toolbar(this);
    this.grid = new Grid(this);
    this.editor = new Editor(this);
    this.footer = new Footer(this);
    this.empty = emptyState(this);
    this.nothingFound = h("div", { class: "ik-nothing", hidden: true }, [
      h("p", {}, STRINGS.nothingFound),
      button({ text: STRINGS.clearFilter, press: () => this.view.clearFilters() }),
    ]);
    const list = h("div", { class: "ik-list" }, this.empty, this.nothingFound, this.grid.element);
    const { name } = queue.settings;
    this.linkText = ""; // what was typed in the dialog for URLs
    this.frame = h("div", { class: "ik-body" }, [
      name ? h("h2", { class: "ik-title ik-text" }, name) : null,
      this.toolbar.element,
      this.notices.element,
      this.problemGroups.element,
      this.duplicateGroups.element,
      h("div", { class: "ik-main" }, list, this.editor.element),
      this.footer.element,
      ...this.picker.elements,
      this.notices.status,
      this.notices.alert,
    ]);
    root.append(this.frame);
    this.showEmpty();
    this.showConnection();
    // a notebook's shortcuts cut and insert cells: Notebook 7 hears keys first, and skips elements with this attribute
    this.cleanup.listen(root, "focusin", ({ target }) => target.setAttribute("data-lm-suppress-shortcuts", ""));
    this.cleanup.listen(root, "keydown", (event) => {
      event.stopPropagation();
      if (event.target === root && event.key.toLowerCase() === "a" && (event.ctrlKey || event.metaKey)) {
        event.preventDefault(); // not the page's text
        this.view.selectAll();
      }
      const direction = undoDirection(event);
      if (!direction) return;
      event.preventDefault();
      this.undo(direction);
    });
    this.cleanup.add(
      this.store.on("rows", () => this.showEmpty()),
      this.view.on("visible", () => this.showEmpty()),
      followTheme(root),
      queue.on("change:settings", () => this.editor.build()),
      queue.connection.on("change", () => this.showConnection()),
      queue.on("change:summary", () => queue.showTrouble()),
      queue.on("show", (ids) => this.showRows(ids)),
      queue.on("remove", (ids) => this.remove(ids)),
      queue.on("fresh", (ids) => this.showFresh(ids)),
      this.view.on("cards", () => root.classList.toggle("ik-whole", !this.view.cropped)),
      this.view.close,
      () => this.thumbnails.close(),
    );
  }

  /** Turn off what needs Python while it cannot answer; what is there can still be viewed and copied. */
  showConnection() {
    const { isGone } = this.queue.connection;
    const parts = [this.toolbar, this.problemGroups, this.duplicateGroups, this.editor, this.footer];
    for (const { element } of parts) element.inert = isGone;
    this.empty.inert = isGone;
    this.root.classList.toggle("ik-off", isGone);
  }

  /** Whether Python cannot answer until the cell is run again; then this is announced. */
  isOff() {
    const { isGone, state } = this.queue.connection;
    if (isGone) this.announce(STRINGS.connection[/** @type {"restarted" | "stopped"} */ (state)], { visible: true });
    return isGone;
  }

  showEmpty() {
    const noRows = this.store.rows.size === 0;
    const noneVisible = this.view.visible.length === 0;
    this.empty.hidden = !noRows;
    this.nothingFound.hidden = noRows || !noneVisible;
    this.grid.element.hidden = noneVisible;
    this.root.classList.toggle("ik-has-rows", !noRows);
  }

  /** @param {string} text @param {Announcement} [options] */
  announce(text, options) {
    this.notices.announce(text, options);
  }

  /** @param {string} id */
  preview(id) {
    this.previewed = new Preview(this, id);
  }

  /** Open the editing panel for some rows, or close it. @param {string[] | null} ids @param {string} [column] */
  edit(ids, column) {
    if (ids && this.isOff()) return;
    if (ids) {
      setAttribute(this.toolbar.editButton, "aria-pressed", "true");
      if (ids.length) this.store.select(ids);
      this.editor.open(column);
    } else {
      this.editor.close();
      this.toolbar.editButton.focus();
    }
  }

  toggleEditor() {
    this.edit(this.editor.element.hidden ? [...this.store.selection] : null);
  }

  /** Point out rows that were just added. @param {string[]} ids */
  showFresh(ids) {
    const visible = this.view.markFresh(ids);
    if (visible === ids.length) return;
    const action = { text: STRINGS.clearFilter, press: () => this.view.clearFilters() };
    this.announce(STRINGS.addedHidden(ids.length - visible), { visible: true, action });
  }

  /** Select rows, and move the focus to the first of them. @param {string[]} ids */
  showRows(ids) {
    if (ids.some((id) => this.view.positionOf(id) < 0)) this.view.clearFilters();
    this.store.select(ids);
    this.grid.focus(this.view.visible.find((id) => this.store.selection.has(id)) ?? null, 0);
  }

  /** Remove rows, and move the focus to the row after them. @param {string[]} ids */
  remove(ids) {
    if (this.isOff()) return;
    const removable = this.store.all(ids).filter((row) => this.queue.isRemovable(row));
    if (!removable.length) return;
    const removed = new Set(removable.map((row) => row.id));
    const position = this.view.positionOf(removable[0].id);
    const next = this.view.visible.slice(position).find((id) => !removed.has(id)) ?? this.view.visible[position - 1];
    const step = this.queue.remove([...removed]);
    this.announceStep(STRINGS.removed(removed.size), step);
    if (next) this.grid.focus(next);
    else this.root.focus();
  }

  /** Leave rows out of the upload, or take them in again. @param {string[]} ids @param {boolean} isOut */
  leaveOut(ids, isOut) {
    if (this.isOff()) return;
    const step = this.queue.history.together(() => void this.queue.edit(ids, "left_out", isOut || null));
    this.announceStep(isOut ? STRINGS.leftOut(ids.length) : STRINGS.takenIn(ids.length), step);
  }

  /** Announce what was done, with a button that undoes it. @param {string} text @param {string} step */
  announceStep(text, step) {
    const press = () => this.undo("undo", step);
    this.notices.announce(text, { visible: true, action: { text: STRINGS.undo, press } });
  }

  /** Undo or redo the last step, if it is the named one, and announce it. @param {"undo" | "redo"} direction */
  async undo(direction, step = "") {
    if (this.isOff()) return;
    const done = await this.queue.history.go(direction, step);
    if (!done) return this.announce(STRINGS.nothingToDo[direction], { visible: true });
    const text = STEPS_DONE[direction][done.kind](done.rows);
    const back = direction === "undo" ? "redo" : "undo";
    const action = { text: STRINGS[back], press: () => this.undo(back, done.step) };
    this.notices.announce(done.kept ? `${text} ${STRINGS.kept(done.kept)}` : text, { visible: true, action });
  }

  /**
   * Change rows that were not sent, and files in the library, and return whether all are saved.
   * @param {string} column @param {Map<string, Value>} values by row
   */
  async saveValues(column, values) {
    const { queue, store } = this;
    const isUnsent = (/** @type {string} */ id) => store.all([id]).some(isEditable);
    const unsent = new Map([...values].filter(([id]) => isUnsent(id)));
    const stored = new Map([...values].filter(([id]) => column !== "is_private_file" && !isUnsent(id)));
    const [edited, changed] = await Promise.all([
      queue.edits.setEach(column, unsent),
      stored.size ? queue.library.change(column, stored) : { rows: 0, step: "" },
    ]);
    if (changed.rows && changed.step) this.announceStep(STRINGS.changedInLibrary(changed.rows), changed.step);
    return edited && changed.rows === stored.size;
  }

  close() {
    this.previewed?.close();
    this.cleanup.run();
    this.frame.remove();
  }
}

/**
 * Return what a key asks for; a text field undoes its own typing.
 * @param {On<KeyboardEvent>} event @returns {"undo" | "redo" | null}
 */
function undoDirection({ target, key, ctrlKey, metaKey, shiftKey, altKey }) {
  if (!(ctrlKey || metaKey) || altKey || target.matches("input, textarea")) return null;
  if (key.toLowerCase() === "z") return shiftKey ? "redo" : "undo";
  return key.toLowerCase() === "y" ? "redo" : null;
}

/** @param {{ model: Model }} props */
function initialize({ model }) {
  const queue = queueOf(model);
  if (queue.model !== model) queue.follow(model);
  return () => {
    // a queue with files continues with the next model, or its files are offered to the next kernel
    if (queue.model === model && queue.files.size + queue.waiting.size === 0) closeQueue(queue);
  };
}

/** @param {{ model: Model, el: HTMLElement }} props */
function render({ model, el }) {
  const queue = queueOf(model);
  const label = queue.settings.name || STRINGS.widget;
  const root = h("div", { class: "ikpipe", role: "region", "aria-label": label, lang: LANGUAGE, tabindex: "-1" });
  el.append(root);
  const ui = new Ui(queue, root);
  queue.views += 1;
  queue.wasShown = true;
  return () => {
    queue.views -= 1;
    ui.close();
    root.remove();
  };
}

export default { initialize, render };
