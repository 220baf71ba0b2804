// One view of a queue: its parts, and what they ask of each other.

import { button, Cleanup, h, setOrDrop } from "./dom.js";
import { Editor } from "./editor.js";
import { Footer } from "./footer.js";
import { Grid } from "./grid.js";
import { Notices } from "./notices.js";
import { emptyState, FilePicker } from "./picking.js";
import { Preview } from "./preview.js";
import { Queue } from "./queue.js";
import { STRINGS } from "./strings.js";
import { followTheme } from "./theme.js";
import { Thumbnails } from "./thumbnails.js";
import { Toolbar } from "./toolbar.js";
import { findUnfinished, queues } from "./unfinished.js";
import { View } from "./view.js";

class Ui {
  constructor(queue, root) {
    this.queue = queue;
    this.store = queue.store;
    this.root = root;
    this.view = new View(queue);
    this.thumbnails = new Thumbnails(queue);
    this.notices = new Notices(this);
    this.picker = new FilePicker(this);
    this.toolbar = new Toolbar(this);
    this.grid = new Grid(this);
    this.editor = new Editor(this);
    this.footer = new Footer(this);
    this.ends = new Cleanup();
    this.build();
    this.listen();
  }

  build() {
    this.empty = emptyState(this);
    this.nothing = h("div", { class: "ik-nothing", hidden: true }, [
      h("p", {}, STRINGS.nothingFound),
      button({ text: STRINGS.clearFilter, press: () => this.view.showAll() }),
    ]);
    const list = h("div", { class: "ik-list" }, this.empty, this.nothing, this.grid.element);
    const { notices } = this;
    this.frame = h("div", { class: "ik-body" }, [
      this.toolbar.element,
      notices.element,
      h("div", { class: "ik-main" }, list, this.editor.element),
      this.footer.element,
      ...this.picker.elements,
      notices.status,
      notices.alert,
    ]);
    this.root.append(this.frame);
    this.showEmpty();
  }

  listen() {
    const { ends, root, store, view, queue } = this;
    // a notebook's shortcuts cut cells and insert others
    ends.listen(root, "keydown", (event) => event.stopPropagation());
    ends.add(store.on("rows", () => this.showEmpty()));
    ends.add(view.on("visible", () => this.showEmpty()));
    ends.add(followTheme(root));
    this.follow("change:settings", () => this.editor.build());
    this.follow("change:summary", () => queue.tellTrouble());
  }

  follow(name, listener) {
    this.ends.add(this.queue.on(name, listener));
  }

  showEmpty() {
    const none = this.store.rows.size === 0;
    this.empty.hidden = !none;
    this.nothing.hidden = none || this.view.visible.length > 0;
    this.grid.element.hidden = this.view.visible.length === 0;
  }

  say(text, options) {
    this.notices.say(text, options);
  }

  preview(id) {
    this.previewed = new Preview(this, id);
  }

  /** Open the editing panel for some rows; null closes it. */
  edit(ids, column) {
    const open = ids !== null;
    if (open && ids.length) this.store.select(ids);
    setOrDrop(this.toolbar.editButton, "aria-pressed", String(open));
    if (open) this.editor.open(column);
    else {
      this.editor.element.hidden = true;
      this.toolbar.editButton.focus();
    }
  }

  toggleEditor() {
    this.edit(this.editor.element.hidden ? [...this.store.selection] : null);
  }

  /** Take rows away, and leave the keyboard at the row after them. */
  remove(ids) {
    const able = this.store.all(ids).filter((row) => this.queue.removable(row));
    if (!able.length) return;
    const gone = new Set(able.map((row) => row.id));
    const place = this.view.placeOf(able[0].id);
    const next = this.view.visible.slice(place).find((id) => !gone.has(id)) ?? this.view.visible[place - 1];
    this.queue.remove([...gone]);
    this.say(STRINGS.removed(gone.size));
    if (next) this.grid.focus(next);
    else this.root.focus();
  }

  close() {
    this.previewed?.end();
    for (const part of [this.ends, this.view]) part.all ? part.all() : part.end();
    for (const part of [this.notices, this.picker, this.toolbar, this.grid, this.editor, this.footer, this.thumbnails])
      part.close();
    this.frame.remove();
  }
}

/** Give the queue of a model's uploader. A notebook wraps a model anew for each view, and loads this code for each. */
function queueOf(model) {
  const session = model.get("session");
  const known = [...queues].find((queue) => queue.model.get("session") === session);
  if (known) return known;
  const queue = new Queue(model);
  queues.add(queue);
  queue.on("welcome", () => findUnfinished(queue));
  return queue;
}

function initialize({ model }) {
  const queue = queueOf(model);
  if (queue.model !== model) queue.follow(model);
  return () => {
    // one with files goes on with the next model, or its files are offered to the next kernel
    if (queue.model !== model || queue.files.size + queue.waiting.size > 0) return;
    queues.delete(queue);
    queue.close();
  };
}

function render({ model, el }) {
  const root = h("div", { class: "ikpipe", role: "region", "aria-label": STRINGS.widget, tabindex: "-1" });
  el.append(root);
  const ui = new Ui(queueOf(model), root);
  return () => {
    ui.close();
    root.remove();
  };
}

export default { initialize, render };
