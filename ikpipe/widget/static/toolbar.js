// What can be done: picking, finding, ways to look, sending; below it the states to choose from, and the selection.

import { copyMenu } from "./copy.js";
import { button, h, oncePerFrame, setOrDrop, setText } from "./dom.js";
import { icon } from "./icons.js";
import { isBusy, isDown, isUp } from "./states.js";
import { STRINGS } from "./strings.js";
import { SORTS } from "./view.js";

export class Toolbar {
  constructor(ui) {
    this.ui = ui;
    this.send = button({ sign: "upload", text: STRINGS.send(0), kind: "ik-primary", press: () => this.sendAll() });
    this.editButton = button({
      sign: "edit",
      text: STRINGS.edit,
      press: () => ui.toggleEditor(),
      "aria-pressed": "false",
    });
    this.layouts = ["table", "gallery"].map((name) => this.layoutButton(name));
    this.chips = Object.keys(STRINGS.groups).map((group) => this.chip(group));
    this.selection = new SelectionBar(ui);
    this.element = h("div", { class: "ik-top" }, [this.firstLine(), this.secondLine()]);
    this.updateLater = oncePerFrame(() => this.update());
    this.ends = [
      ui.store.on("rows", this.updateLater),
      ui.store.on("selection", this.updateLater),
      ui.view.on("visible", this.updateLater),
      ui.view.on("layout", this.updateLater),
    ];
    this.update();
  }

  firstLine() {
    const { ui } = this;
    return h("div", { class: "ik-toolbar", role: "toolbar", "aria-label": STRINGS.widget }, [
      button({ sign: "plus", text: STRINGS.add, press: () => ui.picker.chooseFiles() }),
      button({ sign: "folder", text: STRINGS.addFolder, press: () => ui.picker.chooseFolder() }),
      this.searchField(),
      h("div", { class: "ik-group", role: "group" }, this.layouts),
      this.editButton,
      this.send,
    ]);
  }

  searchField() {
    const find = (event) => this.ui.view.find(event.target.value);
    this.search = h("input", {
      type: "search",
      placeholder: STRINGS.search,
      "aria-label": STRINGS.searchLabel,
      oninput: find,
      spellcheck: "false",
    });
    return h("div", { class: "ik-search" }, icon("search"), this.search);
  }

  layoutButton(name) {
    return button({ sign: name, label: STRINGS[name], press: () => this.ui.view.setLayout(name), "data-layout": name });
  }

  secondLine() {
    this.chipLine = h("div", { class: "ik-filters", role: "group", "aria-label": STRINGS.filters }, this.chips);
    return h("div", { class: "ik-second" }, this.chipLine, this.sortField(), this.selection.element);
  }

  chip(group) {
    const press = () => this.ui.view.showGroup(this.ui.view.group === group ? "all" : group);
    const number = h("span", { class: "ik-number" });
    return h("button", { type: "button", class: `ik-chip ik-group-${group}`, onclick: press, "data-group": group }, [
      group === "all" ? null : h("span", { class: "ik-dot" }),
      h("span", {}, STRINGS.groups[group]),
      number,
    ]);
  }

  /** The gallery has no header to press: it is sorted here. */
  sortField() {
    const keys = Object.keys(SORTS);
    const options = keys.map((key) => h("option", { value: key }, STRINGS.columns[key]));
    this.sorts = h(
      "select",
      { "aria-label": STRINGS.sort, onchange: () => this.ui.view.sortBy(this.sorts.value, this.ui.view.down) },
      options,
    );
    this.direction = button({ sign: "up", label: STRINGS.sortUp, kind: "ik-quiet", press: () => this.turn() });
    return (this.sorting = h("div", { class: "ik-sorting" }, this.sorts, this.direction));
  }

  turn() {
    const { view } = this.ui;
    view.sortBy(view.sort, !view.down);
  }

  sendAll() {
    const ready = this.ui.store.countOf("ready");
    if (ready) this.ui.queue.send();
    else this.ui.say(STRINGS.nothingToSend, { shown: true });
  }

  update() {
    const { store, view } = this.ui;
    const ready = store.countOf("ready");
    setText(this.send.querySelector(".ik-word"), STRINGS.send(ready));
    setOrDrop(this.send, "aria-disabled", ready ? null : "true");
    this.element.hidden = store.rows.size === 0; // then the empty list has the buttons
    for (const one of this.layouts) setOrDrop(one, "aria-pressed", String(one.dataset.layout === view.layout));
    for (const chip of this.chips) this.fillChip(chip);
    this.sorting.hidden = view.layout !== "gallery";
    this.sorts.value = view.sort;
    this.fillDirection();
    if (this.search.value.trim().toLowerCase() !== view.text) this.search.value = view.text;
    this.selection.update();
  }

  fillDirection() {
    const { down } = this.ui.view;
    this.direction.replaceChildren(icon(down ? "down" : "up"));
    setOrDrop(this.direction, "aria-label", down ? STRINGS.sortDown : STRINGS.sortUp);
    setOrDrop(this.direction, "title", down ? STRINGS.sortDown : STRINGS.sortUp);
  }

  fillChip(chip) {
    const { store, view } = this.ui;
    const { group } = chip.dataset;
    const n = group === "all" ? store.rows.size : store.countOf(group);
    chip.hidden = n === 0 && group !== view.group && group !== "all";
    setText(chip.querySelector(".ik-number"), n.toLocaleString());
    setOrDrop(chip, "aria-pressed", String(view.group === group));
  }

  close() {
    for (const end of this.ends) end();
  }
}

/** What can be done with the selected rows; only what makes sense for some of them is offered. */
class SelectionBar {
  constructor(ui) {
    this.ui = ui;
    this.text = h("span", { class: "ik-selected-text" });
    const { queue } = ui;
    this.buttons = [
      this.offer(
        "upload",
        STRINGS.sendSelected,
        (row) => row.state === "ready",
        (ids) => queue.send(ids),
      ),
      this.offer("close", STRINGS.cancel, isBusy, (ids) => queue.cancel(ids)),
      this.offer("retry", STRINGS.retry, isDown, (ids) => queue.retry(ids)),
      this.offer(
        "copy",
        STRINGS.copy,
        (row) => isUp(row) && row.result?.url,
        (ids, anchor) => copyMenu(ui, ui.store.all(ids), anchor),
      ),
      this.offer(
        "trash",
        STRINGS.remove,
        (row) => queue.removable(row),
        (ids) => ui.remove(ids),
      ),
    ];
    const none = button({ sign: "close", label: STRINGS.clearSelection, kind: "ik-quiet", press: () => this.none() });
    this.element = h("div", { class: "ik-selection", hidden: true }, this.text, this.buttons, none);
  }

  none() {
    this.ui.view.selectNone();
    this.ui.grid.focus(this.ui.view.active);
  }

  offer(sign, text, fits, act) {
    const fitting = () => this.ui.store.selected.filter(fits).map((row) => row.id);
    const one = button({ sign, text, kind: "ik-quiet", press: (event) => act(fitting(), event.currentTarget) });
    one.fits = fits;
    return one;
  }

  update() {
    const { selected } = this.ui.store;
    this.element.hidden = selected.length === 0;
    setText(this.text, STRINGS.selected(selected.length));
    for (const one of this.buttons) one.hidden = !selected.some(one.fits);
  }
}
