// The editing panel: one row, or the whole selection at once.

import { button, h, oncePerFrame, setOrDrop, setText } from "./dom.js";
import { ChoiceField, metadataField, metadataSpec, TagsField, TextField } from "./fields.js";
import { icon } from "./icons.js";
import { problemList } from "./problems.js";
import { isFree } from "./states.js";
import { STRINGS } from "./strings.js";

const PARAMETERS = ["file_name", "folder", "tags", "is_private_file", "description"];
const ROW_KEYS = { file_name: "name", is_private_file: "private", custom_coordinates: "coordinates" };

/** Give what a row has in a column, as the kernel names columns. */
function valueOf(row, column) {
  if (column.startsWith("custom_metadata.")) return row.metadata?.[column.slice("custom_metadata.".length)];
  return row[ROW_KEYS[column] || column];
}

export class Editor {
  constructor(ui) {
    this.ui = ui;
    this.prefix = `ik-${Math.random().toString(36).slice(2, 8)}`;
    this.title = h("h2", {});
    const close = button({ sign: "close", label: STRINGS.close, kind: "ik-quiet", press: () => ui.edit(null) });
    this.form = h("fieldset", { class: "ik-fields" }); // as a whole, it can be disabled
    this.leftOut = h("p", { class: "ik-quiet-text", role: "note", hidden: true });
    this.empty = h("p", { class: "ik-quiet-text" }, STRINGS.editNothing);
    this.element = h("section", { class: "ik-editor", "aria-label": STRINGS.edit, hidden: true }, [
      h("header", { class: "ik-editor-head" }, this.title, close),
      this.empty,
      this.leftOut,
      this.form,
    ]);
    this.element.addEventListener("keydown", (event) => event.key === "Escape" && ui.edit(null));
    this.ids = [];
    this.asked = []; // edits that the kernel has not answered yet
    this.updateLater = oncePerFrame(() => this.update());
    this.ends = [
      ui.store.on("selection", () => this.leave()),
      ui.store.on("rows", (changed) => [...changed].some((id) => ui.store.selection.has(id)) && this.updateLater()),
    ];
    this.build();
  }

  build() {
    this.fields = PARAMETERS.map((column) => this.parameter(column));
    const metadata = (this.ui.queue.settings.fields || []).map(metadataSpec).map((spec) => this.metadata(spec));
    const group = metadata.length ? [h("h3", {}, STRINGS.metadata)] : [];
    this.form.replaceChildren(
      ...this.fields.map(({ block }) => block),
      ...group,
      ...metadata.map(({ block }) => block),
    );
    this.fields.push(...metadata);
    this.update();
  }

  parameter(column) {
    const id = `${this.prefix}-${column}`;
    return this.place(column, STRINGS.fields[column], id, this.control(column, id));
  }

  control(column, id) {
    const commit = (value) => this.commit(column, value);
    if (column === "tags") return new TagsField(id, (add, drop) => this.changeList(column, add, drop));
    if (column === "description") return new TextField(id, commit, { tag: "textarea" });
    if (column !== "is_private_file") return new TextField(id, commit, { spellcheck: "false" });
    const usual = this.ui.queue.settings.defaults?.is_private_file ? STRINGS.isPrivate : STRINGS.isPublic;
    return new ChoiceField(id, commit, [
      [null, STRINGS.byDefault(usual)],
      [false, STRINGS.isPublic],
      [true, STRINGS.isPrivate],
    ]);
  }

  metadata(spec) {
    const column = `custom_metadata.${spec.name}`;
    const id = `${this.prefix}-m-${spec.name}`;
    const commit = (value) => this.commit(column, value);
    const change = (add, drop) => this.changeList(column, add, drop, spec.options);
    return this.place(column, spec.label, id, metadataField(id, commit, change, spec), spec.required);
  }

  /** Put a control under its label, with room for problems and a way back to the default. */
  place(column, label, id, control, required = false) {
    const reset = button({
      sign: "undo",
      label: STRINGS.reset(label),
      kind: "ik-quiet ik-small",
      press: () => this.commit(column, null),
    });
    const name = control.element.matches(".ik-many")
      ? h("span", { id: `${id}-l` }, label)
      : h("label", { for: id }, label);
    if (control.element.matches(".ik-many")) setOrDrop(control.element, "aria-labelledby", `${id}-l`);
    if (required) name.append(h("span", { "aria-hidden": "true" }, " *"));
    const problems = h("div", { class: "ik-field-problems" });
    const block = h(
      "div",
      { class: "ik-field" },
      h("div", { class: "ik-label" }, name, reset),
      control.element,
      problems,
    );
    return { column, control, block, problems, reset };
  }

  /** Give the rows that the fields show, which are not those any more that are selected by now. */
  get rows() {
    return this.ui.store.all(this.ids);
  }

  /** What was typed belongs to the rows for which it was, also where Python selects others meanwhile. */
  leave() {
    for (const { control } of this.fields) control.commit?.();
    this.updateLater();
  }

  /** Give the rows that can be changed: the kernel refuses an edit as a whole where it takes in others. */
  get able() {
    return this.rows.filter(isFree);
  }

  commit(column, value) {
    const ids = this.able.map((row) => row.id);
    if (ids.length) this.edit(ids, column, value);
  }

  async edit(ids, column, value) {
    const edit = { ids: new Set(ids), column, value };
    this.asked.push(edit);
    await this.ui.queue.edit(ids, column, value);
    this.asked = this.asked.filter((other) => other !== edit);
    this.updateLater(); // also where it was refused: the field goes back to what is true
  }

  /** Give what a row has in a column, or will have: another edit may build on it, or an older row come in between. */
  valueOf(row, column) {
    const asked = this.asked.findLast((edit) => edit.column === column && edit.ids.has(row.id));
    return asked ? asked.value : valueOf(row, column);
  }

  textsOf(row, column) {
    return [this.valueOf(row, column) ?? []].flat().map(String);
  }

  /** Add to lists and take away: each row keeps what else it has, rows with the same outcome share a message. */
  changeList(column, add, drop, options = []) {
    const groups = new Map();
    for (const row of this.able) {
      const list = [...new Set([...this.textsOf(row, column), ...add])].filter((text) => !drop.includes(text));
      const key = JSON.stringify(list.map((text) => options.find((option) => String(option) === text) ?? text));
      groups.set(key, [...(groups.get(key) || []), row.id]);
    }
    for (const [key, ids] of groups) {
      const list = JSON.parse(key);
      this.edit(ids, column, list.length || column === "tags" ? list : null); // its frame's tags would come back
    }
  }

  update() {
    if (this.element.hidden) return;
    this.ids = [...this.ui.store.selection];
    const { able } = this;
    const left = this.rows.length - able.length;
    const rows = able.length ? able : this.rows;
    setText(this.title, STRINGS.editing(rows.length));
    this.empty.hidden = rows.length > 0;
    this.leftOut.hidden = left === 0;
    setText(this.leftOut, STRINGS.leftOut(left));
    this.form.hidden = rows.length === 0;
    this.form.disabled = able.length === 0;
    if (rows.length) for (const field of this.fields) this.fill(field, rows);
  }

  fill({ column, control, block, problems, reset }, rows) {
    block.hidden = column === "file_name" && rows.length > 1;
    if (control.showCounts) control.showCounts(this.countTexts(rows, column), rows.length, this.keptTags(rows));
    else this.showShared(control, rows, column);
    setOrDrop(reset, "hidden", rows.every((row) => isEmpty(this.valueOf(row, column))) ? "" : null);
    this.fillProblems(problems, rows, column);
  }

  countTexts(rows, column) {
    const counts = new Map();
    for (const row of rows) for (const text of this.textsOf(row, column)) counts.set(text, (counts.get(text) || 0) + 1);
    return counts;
  }

  /** Give the tags that cannot be taken away: a row without any gets those that hold for all. */
  keptTags(rows) {
    if (!this.ui.queue.settings.defaults?.tags) return new Set();
    return new Set(
      rows.map((row) => this.textsOf(row, "tags")).flatMap((tags) => (tags.length === 1 ? tags : [])),
    );
  }

  showShared(control, rows, column) {
    const first = this.valueOf(rows[0], column);
    const key = JSON.stringify(first);
    control.show(
      first,
      rows.some((row) => JSON.stringify(this.valueOf(row, column)) !== key),
    );
  }

  fillProblems(place, rows, column) {
    const found = rows.flatMap((row) =>
      (row.problems || []).filter((one) => one.column === column).map((one) => [row, one]),
    );
    const key = JSON.stringify(found.map(([row, problem]) => [row.id, problem]));
    if (place.dataset.key === key) return;
    place.dataset.key = key;
    place.replaceChildren(...(found.length ? this.problemParts(found) : []));
  }

  problemParts(found) {
    const [row, problem] = found[0];
    const { queue } = this.ui;
    if (found.length === 1) return [problemList(queue, row, [problem])];
    const curable = found.filter(([, one]) => one.mend !== undefined && one.mend !== null);
    const mend = () => curable.forEach(([one, { column, mend: value }]) => queue.edit([one.id], column, value));
    const text = h("p", { class: "ik-problem" }, icon("warn"), STRINGS.problemOf(found.length, problem.message));
    return curable.length
      ? [text, button({ text: STRINGS.mendAll(curable.length), kind: "ik-mend", press: mend })]
      : [text];
  }

  open(column) {
    this.element.hidden = false;
    this.update();
    const field = this.fields.find((one) => one.column === column) || this.fields.find((one) => !one.block.hidden);
    field?.block.querySelector("input, textarea, select")?.focus();
  }

  close() {
    for (const end of this.ends) end();
  }
}

const isEmpty = (value) => value === undefined || value === null || value === "" || value?.length === 0;
