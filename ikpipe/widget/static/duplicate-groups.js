// The duplicates among the rows, above the list: by kind, and one by one, with what can be done about them.

import { button, h } from "./dom.js";
import { bytesText } from "./format.js";
import { icon } from "./icons.js";
import { STRINGS } from "./strings.js";

const GROUPS_DELAY = 120; // ms between two updates while rows change
const MAX_LISTED = 20; // duplicates of a kind that are listed
/** @type {Duplicate["kind"][]} */
const KINDS = ["content", "path", "library"];

/** @typedef {import("./duplicates.js").Duplicate} Duplicate */
/** @typedef {[Row, Duplicate]} Found */

export class DuplicateGroups {
  /** @param {Ui} ui */
  constructor(ui) {
    this.ui = ui;
    this.duplicates = ui.queue.duplicates;
    /** @type {Set<string>} */
    this.open = new Set(); // kinds whose duplicates are listed
    this.key = "";
    this.element = h("ul", { class: "ik-duplicates", "aria-label": STRINGS.duplicates.title, hidden: true });
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.timer = undefined;
    const later = () => (this.timer ??= setTimeout(() => this.update(), GROUPS_DELAY));
    ui.cleanup.add(this.duplicates.on("change", later), ui.queue.on("change:settings", later));
    ui.cleanup.add(ui.store.on("rows", () => (this.duplicates.rows.size || this.isOff !== this.wasOff) && later()));
    ui.cleanup.add(() => clearTimeout(this.timer));
    this.update();
  }

  /** Whether the library is not searched since Python cannot, and the user has not been told. */
  get isOff() {
    const { settings, store } = this.ui.queue;
    return settings.can_search === false && !this.duplicates.dismissed && store.rows.size > 0;
  }

  update() {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.wasOff = this.isOff;
    const lines = KINDS.flatMap((kind) => this.lines(kind));
    if (this.wasOff) lines.push(this.note(STRINGS.duplicates.off, "close", STRINGS.dismiss, () => this.dismiss()));
    if (this.duplicates.failed)
      lines.push(this.note(STRINGS.duplicates.failed, "retry", STRINGS.retry, () => this.duplicates.askAll()));
    const key = lines.map((line) => line.dataset.key).join("\n");
    if (key === this.key) return;
    this.key = key;
    const hadFocus = this.element.matches(":focus-within");
    this.element.hidden = lines.length === 0;
    this.element.replaceChildren(...lines);
    if (hadFocus) (this.element.querySelector("button") ?? this.ui.root).focus({ preventScroll: true });
  }

  /** @param {Duplicate["kind"]} kind @returns {Found[]} */
  found(kind) {
    /** @type {Found[]} */
    const found = [];
    for (const [id, duplicate] of this.duplicates.rows) {
      const row = this.ui.store.get(id);
      if (row && duplicate.kind === kind) found.push([row, duplicate]);
    }
    return found;
  }

  /** @param {Duplicate["kind"]} kind */
  lines(kind) {
    const found = this.found(kind);
    if (!found.length) return [];
    const isOpen = this.open.has(kind);
    const toggle = () => {
      if (!this.open.delete(kind)) this.open.add(kind);
      this.update();
      /** @type {HTMLElement | null} */ (this.element.querySelector(`[data-toggle="${kind}"]`))?.focus();
    };
    const text = isOpen ? STRINGS.duplicates.hide : STRINGS.duplicates.list;
    const list = button({ text, kind: "ik-quiet", press: toggle, "aria-expanded": isOpen, "data-toggle": kind });
    const what = [h("strong", {}, STRINGS.fileCount(found.length)), h("span", {}, STRINGS.duplicates[kind])];
    const lines = [this.line(kind, "copy", what, [list, ...this.buttons(found)], shownOf(found, isOpen))];
    if (!isOpen) return lines;
    for (const one of found.slice(0, MAX_LISTED)) lines.push(this.single(one));
    const rest = found.length - MAX_LISTED;
    if (rest > 0) lines.push(this.line("more", "more", [h("span", {}, STRINGS.duplicates.more(rest))], [], `${rest}`));
    return lines;
  }

  /** @param {Found} one */
  single(one) {
    const [row, duplicate] = one;
    const what = [h("strong", {}, row.name), h("span", { class: "ik-quiet-text" }, this.otherOf(duplicate))];
    const show = button({ text: STRINGS.showFiles, kind: "ik-quiet", press: () => this.ui.showRows(rowsOf(one)) });
    return this.line("one", "right", what, [show, ...this.buttons([one], row.name)], `${row.id} ${JSON.stringify(duplicate)}`);
  }

  /** @param {Duplicate} duplicate */
  otherOf({ of = "", path = "", size }) {
    const other = this.ui.store.get(of);
    if (other) return STRINGS.duplicates.of([other.folder ?? "", other.name].filter(Boolean).join("/"));
    return size === undefined ? path : `${path}, ${bytesText(size)}`;
  }

  /** @param {Found[]} found @param {string} [name] of the file, where the buttons of several files are there */
  buttons(found, name) {
    /** @param {string} text @param {() => void} press */
    const action = (text, press) =>
      button({ text, press, ...(name ? { "aria-label": STRINGS.duplicates.actionOn(text, name) } : {}) });
    const buttons = [action(STRINGS.duplicates.keep, () => this.keep(found))];
    const skipped = found.map(([{ id }]) => id).filter((id) => this.isRemovable(id));
    if (skipped.length) buttons.push(action(STRINGS.duplicates.skip, () => this.ui.remove(skipped)));
    if (this.replaceable(found).length) buttons.push(action(STRINGS.duplicates.replace, () => this.replace(found)));
    return buttons;
  }

  /** @param {string} id */
  isRemovable(id) {
    const row = this.ui.store.get(id);
    return row !== undefined && this.ui.queue.isRemovable(row);
  }

  /** Return the duplicates that can take the place of what is there. @param {Found[]} found */
  replaceable(found) {
    const allowed = this.ui.queue.settings.can_replace !== false;
    return found.filter(([, { kind, of = "" }]) => (kind === "library" ? allowed : this.isRemovable(of)));
  }

  /** Keep both files: next to one of the library, under a name that is made unique. @param {Found[]} found */
  keep(found) {
    if (this.ui.isOff()) return;
    const { queue } = this.ui;
    const ids = found.map(([{ id }]) => id);
    const text = STRINGS.duplicates.kept(ids.length);
    if (found[0][1].kind === "library") {
      const step = queue.history.together(() => void queue.edit(ids, "use_unique_file_name", true));
      return this.ui.announceStep(text, step);
    }
    this.duplicates.keep(ids);
    const action = { text: STRINGS.undo, press: () => this.duplicates.keep(ids, false) };
    return this.ui.announce(text, { visible: true, action });
  }

  /** Put files in the place of those that are there. @param {Found[]} found */
  replace(found) {
    if (this.ui.isOff()) return;
    const { queue } = this.ui;
    const replaceable = this.replaceable(found);
    if (found[0][1].kind !== "library") return this.ui.remove(othersOf(replaceable));
    const ids = replaceable.map(([{ id }]) => id);
    const step = queue.history.together(() => {
      queue.edit(ids, "use_unique_file_name", false);
      queue.edit(ids, "overwrite_file", true);
    });
    this.ui.announceStep(STRINGS.duplicates.replaced(ids.length), step);
  }

  /** @param {string} text @param {string} iconName @param {string} label @param {() => void} press */
  note(text, iconName, label, press) {
    const close = button({ icon: iconName, label, kind: "ik-quiet", press });
    return this.line("note", "info", [h("span", {}, text)], [close], text);
  }

  dismiss() {
    this.duplicates.dismissed = true;
    this.update();
    this.ui.root.focus({ preventScroll: true });
  }

  /** @param {string} kind @param {string} iconName @param {HTMLElement[]} what @param {HTMLElement[]} buttons @param {string} key */
  line(kind, iconName, what, buttons, key) {
    return h("li", { class: `ik-problem-group ik-duplicate-${kind}`, "data-key": `${kind} ${key}` }, [
      icon(iconName),
      h("span", { class: "ik-problem-what" }, what),
      h("span", { class: "ik-buttons" }, buttons),
    ]);
  }
}

/** Return what is shown of duplicates of a kind, as text. @param {Found[]} found @param {boolean} isOpen */
const shownOf = (found, isOpen) => `${isOpen} ${found.map(([{ id }, { of }]) => `${id}=${of ?? ""}`).join(" ")}`;

/** @param {Found} found */
const rowsOf = ([{ id }, { of }]) => (of ? [of, id] : [id]);

/**
 * Return the rows that go if each last duplicate takes the place of the others.
 * @param {Found[]} found
 */
function othersOf(found) {
  /** @type {Map<string, Row[]>} */
  const groups = new Map();
  for (const [row, { of = "" }] of found) {
    const rows = groups.get(of);
    if (rows) rows.push(row);
    else groups.set(of, [row]);
  }
  return [...groups].flatMap(([of, rows]) => [
    of,
    ...rows
      .sort((a, b) => a.at - b.at)
      .slice(0, -1)
      .map(({ id }) => id),
  ]);
}
