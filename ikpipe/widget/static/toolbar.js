// The toolbar: picking, searching, layouts and uploading; below it filters by state, and the selected rows.

import { canCompare, Comparison } from "./compare.js";
import { copyMenu } from "./copy.js";
import { confirmDeletion } from "./deletion.js";
import { button, h, oncePerFrame, setAttribute, setText, setButtonText } from "./dom.js";
import { openFolderDialog } from "./folder-dialog.js";
import { icon } from "./icons.js";
import { openMenu } from "./menu.js";
import { columnsButton } from "./own-columns.js";
import { openRename, openReplace } from "./renaming.js";
import { isBusy, isChangeable, isEditable, isRetryable, isUploaded } from "./states.js";
import { numberText, STRINGS } from "./strings.js";
import { CARD_SIZE, SORTS } from "./view.js";

/** @typedef {keyof typeof STRINGS.groups} GroupName */

export class Toolbar {
  /** @param {Ui} ui */
  constructor(ui) {
    this.ui = ui;
    const pressed = { "aria-pressed": "false" };
    this.editButton = button({ icon: "edit", text: STRINGS.edit, press: () => ui.toggleEditor(), ...pressed });
    this.layouts = [this.layoutButton("table"), this.layoutButton("gallery")];
    this.search = h("input", {
      type: "search",
      placeholder: STRINGS.search,
      "aria-label": STRINGS.searchLabel,
      oninput: () => ui.view.search(this.search.value),
      spellcheck: "false",
    });
    this.filters = Object.keys(STRINGS.groups).map((group) => this.filterButton(/** @type {GroupName} */ (group)));
    this.undescribed = this.undescribedButton();
    this.sorts = h(
      "select",
      { "aria-label": STRINGS.sort, onchange: () => ui.view.sortBy(this.sorts.value, ui.view.descending) },
      Object.keys(SORTS).map((column) => h("option", { value: column }, STRINGS.columns[column])),
    );
    const reverse = () => ui.view.sortBy(ui.view.sort, !ui.view.descending);
    this.direction = button({ icon: "up", label: STRINGS.ascending, kind: "ik-quiet", press: reverse });
    // the gallery has no header that sorts
    this.sorting = h("div", { class: "ik-sorting" }, this.sorts, this.direction);
    this.cards = new CardControls(ui);
    this.selection = new SelectionBar(ui);
    this.root = ui.root;
    this.element = h("div", { class: "ik-top" }, this.firstLine(), this.secondLine());
    this.updateLater = oncePerFrame(() => this.update());
    ui.cleanup.add(
      ui.store.on("rows", this.updateLater),
      ui.store.on("selection", this.updateLater),
      ui.view.on("visible", this.updateLater),
      ui.view.on("layout", this.updateLater),
    );
    this.update();
  }

  firstLine() {
    const { picker } = this.ui;
    return h("div", { class: "ik-toolbar", role: "toolbar", "aria-label": STRINGS.widget }, [
      button({ icon: "plus", text: STRINGS.add, press: () => picker.chooseFiles() }),
      button({ icon: "camera", label: STRINGS.takePhoto, kind: "ik-camera", press: () => picker.takePhoto() }),
      button({ icon: "folder", text: STRINGS.addFolder, press: () => picker.chooseFolder() }),
      button({ icon: "link", label: STRINGS.addLinks, press: () => picker.chooseLinks() }),
      this.ui.queue.settings.root
        ? button({ icon: "server", label: STRINGS.serverFolder.add, press: () => openFolderDialog(this.ui) })
        : null,
      h("div", { class: "ik-search" }, icon("search"), this.search),
      h("div", { class: "ik-group", role: "group" }, this.layouts),
      this.editButton,
    ]);
  }

  secondLine() {
    const filters = h("div", { class: "ik-filters", role: "group", "aria-label": STRINGS.filters }, this.filters, this.undescribed);
    const tools = [columnsButton(this.ui), this.sorting, this.cards.element, this.ui.shared.element];
    return h("div", { class: "ik-second" }, filters, tools, this.selection.element);
  }

  /** @param {"table" | "gallery"} name */
  layoutButton(name) {
    return button({ icon: name, label: STRINGS[name], press: () => this.ui.view.setLayout(name), "data-layout": name });
  }

  /** @param {GroupName} group */
  filterButton(group) {
    const onclick = () => this.ui.view.showGroup(this.ui.view.group === group ? "all" : group);
    return h("button", { type: "button", class: `ik-chip ik-group-${group}`, onclick, "data-group": group }, [
      group === "all" ? null : h("span", { class: "ik-dot" }),
      h("span", {}, STRINGS.groups[group]),
      h("span", { class: "ik-number" }),
    ]);
  }

  /** Create the filter for rows without a description, which is the alternative text of an image. */
  undescribedButton() {
    const onclick = () => this.ui.view.toggleUndescribed();
    return h("button", { type: "button", class: "ik-chip", onclick, title: STRINGS.noDescriptionHint }, [
      h("span", {}, STRINGS.noDescription),
      h("span", { class: "ik-number" }),
    ]);
  }

  /** Show that filter if it divides the rows. */
  updateUndescribed() {
    const { store, view } = this.ui;
    let n = 0;
    for (const row of store.rows.values()) if (!row.description) n += 1;
    this.undescribed.hidden = !view.undescribed && (n === 0 || n === store.rows.size);
    setText(this.undescribed.querySelector(".ik-number"), numberText(n));
    setAttribute(this.undescribed, "aria-pressed", String(view.undescribed));
  }

  update() {
    const { store, view } = this.ui;
    this.element.hidden = store.rows.size === 0; // the empty list has buttons of its own
    for (const layout of this.layouts)
      setAttribute(layout, "aria-pressed", String(layout.dataset.layout === view.layout));
    for (const filter of this.filters) this.updateFilter(filter, /** @type {GroupName} */ (filter.dataset.group));
    this.updateUndescribed();
    this.root.classList.toggle("ik-as-gallery", view.layout === "gallery");
    this.cards.update();
    this.sorts.value = view.sort;
    this.direction.replaceChildren(icon(view.descending ? "down" : "up"));
    for (const name of ["aria-label", "title"])
      setAttribute(this.direction, name, view.descending ? STRINGS.descending : STRINGS.ascending);
    if (this.search.value.trim().toLowerCase() !== view.text) this.search.value = view.text;
    const { selected } = store;
    const isReadOnly = selected.length > 0 && !selected.some((row) => isEditable(row) || isChangeable(this.ui.queue, row));
    setButtonText(this.editButton, isReadOnly ? STRINGS.details : STRINGS.edit);
    this.selection.update();
  }

  /** @param {HTMLElement} filter @param {GroupName} group */
  updateFilter(filter, group) {
    const { store, view } = this.ui;
    const n = group === "all" ? store.rows.size : store.countOf(group);
    filter.hidden = n === 0 && group !== view.group && group !== "all";
    setText(filter.querySelector(".ik-number"), numberText(n));
    setAttribute(filter, "aria-pressed", String(view.group === group));
  }
}

/** Open the menu of what can be done with many files at once. @param {Ui} ui @param {Row[]} rows @param {HTMLElement} anchor */
function editMenu(ui, rows, anchor) {
  const rename = { icon: "edit", text: STRINGS.renamePattern, press: () => openRename(ui, rows) };
  const replace = { icon: "search", text: STRINGS.findReplace, press: () => openReplace(ui, rows) };
  openMenu(ui, anchor, STRINGS.editMany, [...(rows.some(isEditable) ? [rename] : []), replace]);
}

/** How the gallery shows pictures: their size, and whether they fill their cards. */
class CardControls {
  /** @param {Ui} ui */
  constructor({ view }) {
    this.view = view;
    const { least, usual, most } = CARD_SIZE;
    const oninput = () => view.setCards({ cardSize: Number(this.size.value) });
    const range = { min: least, max: most, step: 8, value: String(usual) };
    this.size = h("input", { type: "range", class: "ik-card-size", "aria-label": STRINGS.cardSize, ...range, oninput });
    const press = () => view.setCards({ cropped: !view.cropped });
    this.fit = button({ icon: "fit", label: STRINGS.fitImages, kind: "ik-quiet", press, "aria-pressed": "false" });
    this.element = h("div", { class: "ik-card-controls" }, this.size, this.fit);
    view.on("cards", () => this.update());
  }

  update() {
    this.size.value = String(this.view.cardSize);
    setAttribute(this.fit, "aria-pressed", String(!this.view.cropped));
  }
}

/** The number of selected rows, and the actions that apply to some of them. */
class SelectionBar {
  /** @param {Ui} ui */
  constructor(ui) {
    this.ui = ui;
    const { queue, store } = ui;
    this.text = h("span", { class: "ik-selected-text" });
    const isReady = (/** @type {Row} */ row) => row.state === "ready";
    const canChange = (/** @type {Row} */ row) => isEditable(row) || isChangeable(queue, row);
    const isLeftOut = (/** @type {Row} */ row) => row.state === "left_out";
    const canLeaveOut = (/** @type {Row} */ row) => queue.canLeaveOut(row) && !isLeftOut(row);
    const hasUrl = (/** @type {Row} */ row) => Boolean(isUploaded(row) && row.result?.url);
    this.actions = [
      this.action("upload", STRINGS.sendSelected, isReady, (ids) => queue.send(ids)),
      this.action("close", STRINGS.cancel, isBusy, (ids) => queue.cancel(ids)),
      this.action("retry", STRINGS.retry, isRetryable, (ids) => queue.retry(ids)),
      this.action("edit", STRINGS.editMany, canChange, (ids, anchor) => editMenu(ui, store.all(ids), anchor)),
      this.action(
        "compare",
        STRINGS.compare,
        () => canCompare(store),
        () => new Comparison(ui, store.selected),
      ),
      this.action("copy", STRINGS.copy, hasUrl, (ids, anchor) => copyMenu(ui, store.all(ids), anchor)),
      this.action("stop", STRINGS.leaveOut, canLeaveOut, (ids) => ui.leaveOut(ids, true)),
      this.action("plus", STRINGS.takeIn, isLeftOut, (ids) => ui.leaveOut(ids, false)),
      this.action(
        "trash",
        STRINGS.deleteFile,
        (row) => isChangeable(queue, row),
        (ids) => confirmDeletion(ui, store.all(ids)),
      ),
      this.action(
        "trash",
        STRINGS.remove,
        (row) => queue.isRemovable(row),
        (ids) => ui.remove(ids),
      ),
    ];
    const clear = () => {
      ui.view.clearSelection();
      ui.grid.focus(ui.view.active);
    };
    const buttons = this.actions.map(({ element }) => element);
    const clearButton = button({ icon: "close", label: STRINGS.clearSelection, kind: "ik-quiet", press: clear });
    this.element = h("div", { class: "ik-selection", hidden: true }, this.text, buttons, clearButton);
  }

  /**
   * Create a button for an action, with the condition for the rows that it applies to.
   * @param {string} iconName @param {string} text @param {(row: Row) => boolean} applies
   * @param {(ids: string[], anchor: HTMLElement) => void} act
   */
  action(iconName, text, applies, act) {
    /** @param {On<Event>} event */
    const press = ({ currentTarget }) => {
      const rows = this.ui.store.selected.filter(applies);
      act(
        rows.map((row) => row.id),
        currentTarget,
      );
    };
    return { applies, element: button({ icon: iconName, text, kind: "ik-quiet", press }) };
  }

  update() {
    const { selected } = this.ui.store;
    this.element.hidden = selected.length === 0;
    setText(this.text, STRINGS.selected(selected.length));
    for (const { applies, element } of this.actions) element.hidden = !selected.some(applies);
  }
}
