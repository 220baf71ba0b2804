// The editing panel: one row, or all selected rows at once.

import { button, h, oncePerFrame, setAttribute, setText } from "./dom.js";
import { EditorHead } from "./editor-head.js";
import { fileDetails } from "./file-details.js";
import { ChoiceField, metadataField, NameField, TagsField, TextField } from "./fields.js";
import { isFixable } from "./fixing.js";
import { icon } from "./icons.js";
import { fixAll } from "./problem-groups.js";
import { problemList } from "./problems.js";
import { storedName } from "./row-parts.js";
import { isChangeable, isEditable, isUploaded, readOnlyReason } from "./states.js";
import { STRINGS } from "./strings.js";
import { TagSuggestions } from "./tag-suggestions.js";

/** @type {(keyof typeof STRINGS.fields)[]} */
const PARAMETERS = ["file_name", "folder", "tags", "is_private_file", "description"];
const METADATA = "custom_metadata.";

/** @typedef {Record<"block" | "problems" | "reset", HTMLElement> & { column: string, control: Field }} Column */
/** @typedef {[Row, Problem]} RowProblem */

/**
 * Return what a row has in a column, as the kernel names columns.
 * @param {Row} row @param {string} column @returns {Value}
 */
function valueOf(row, column) {
  if (column.startsWith(METADATA)) return row.metadata?.[column.slice(METADATA.length)];
  if (column === "file_name") return storedName(row) || row.name;
  if (column === "is_private_file") return row.private;
  return row[/** @type {"folder" | "tags" | "description"} */ (column)];
}

/** Whether two values are the same; lists by their items. @param {Value} a @param {Value} b */
const isSame = (a, b) => a === b || (typeof a === "object" && typeof b === "object" && JSON.stringify(a) === JSON.stringify(b));

export class Editor {
  /** @param {Ui} ui */
  constructor(ui) {
    this.ui = ui;
    this.prefix = `ik-${Math.random().toString(36).slice(2, 8)}`;
    this.head = new EditorHead(ui);
    this.suggestions = new TagSuggestions(ui.queue);
    this.form = h("fieldset", { class: "ik-fields" }); // so that it can be disabled as a whole
    this.readOnly = h("p", { class: "ik-quiet-text", role: "note", hidden: true });
    this.details = h("div", { class: "ik-read-only", hidden: true });
    this.empty = h("p", { class: "ik-quiet-text" }, STRINGS.editNothing);
    this.element = h("section", { class: "ik-editor", "aria-label": STRINGS.edit, hidden: true }, [
      ...this.head.elements,
      this.empty,
      this.readOnly,
      this.details,
      this.form,
    ]);
    this.element.addEventListener("keydown", (event) => event.key === "Escape" && this.escape(event));
    /** @type {Column[]} */
    this.columns = [];
    /** @type {string[]} */
    this.ids = [];
    /** @type {{ column: string, values: Map<string, Value> }[]} */
    this.edits = []; // those that the kernel has not answered yet
    /** @type {Map<string, Value>} */
    this.before = new Map(); // what the rows had in the column of the focus when it came there, or since Enter
    this.updateLater = oncePerFrame(() => this.update());
    ui.cleanup.add(
      ui.store.on("selection", () => this.selectionChanged()),
      ui.store.on("rows", (changed) => {
        if ([...changed].some((id) => ui.store.selection.has(id))) this.updateLater();
      }),
      ui.queue.on("removed", () => this.closeIfRemoved()),
    );
    this.build();
  }

  build() {
    const parameters = PARAMETERS.map((column) => this.parameterColumn(column));
    const metadata = (this.ui.queue.settings.fields ?? []).map((field) => this.metadataColumn(field));
    const noFields = this.ui.queue.settings.can_search === false;
    const heading = metadata.length ? [h("h3", {}, STRINGS.metadata)] : [];
    if (noFields) heading.push(h("p", { class: "ik-quiet-text" }, STRINGS.noFields));
    const blocks = (/** @type {Column[]} */ columns) => columns.map(({ block }) => block);
    this.form.replaceChildren(...blocks(parameters), ...heading, ...blocks(metadata));
    this.columns = [...parameters, ...metadata];
    this.update();
  }

  /** @param {keyof typeof STRINGS.fields} column */
  parameterColumn(column) {
    const id = `${this.prefix}-${column}`;
    return this.createColumn(column, STRINGS.fields[column], id, this.parameterField(column, id));
  }

  /** @param {string} column @param {string} id @returns {Field} */
  parameterField(column, id) {
    const commit = (/** @type {Value} */ value) => this.commit(column, value);
    if (column === "tags") return new TagsField(id, (add, remove) => this.changeLists(column, add, remove), this.suggestions);
    if (column === "description") return new TextField(id, commit, { tag: "textarea" });
    if (column === "file_name") return new NameField(id, commit);
    if (column === "folder") return new TextField(id, commit, { spellcheck: "false" });
    const usual = this.ui.queue.settings.defaults?.is_private_file ? STRINGS.isPrivate : STRINGS.isPublic;
    return new ChoiceField(id, commit, [
      [null, STRINGS.defaultValue(usual)],
      [false, STRINGS.isPublic],
      [true, STRINGS.isPrivate],
    ]);
  }

  /** @param {MetadataField} field */
  metadataColumn(field) {
    const column = `${METADATA}${field.name}`;
    const id = `${this.prefix}-m-${field.name}`;
    const commit = (/** @type {Value} */ value) => this.commit(column, value);
    const change = (/** @type {string[]} */ add, /** @type {string[]} */ remove) =>
      this.changeLists(column, add, remove, field.selectOptions);
    const control = metadataField(id, commit, change, field);
    const created = this.createColumn(column, field.label || field.name, id, control, field.isValueRequired);
    created.block.querySelector(".ik-label > :first-child")?.setAttribute("title", field.name);
    return created;
  }

  /**
   * Put a field below its label, with room for problems and a button that resets it to the default.
   * @param {string} column @param {string} label @param {string} id @param {Field} control @returns {Column}
   */
  createColumn(column, label, id, control, required = false) {
    const press = () => this.commit(column, null);
    const reset = button({ icon: "undo", label: STRINGS.reset(label), kind: "ik-quiet ik-small", press });
    const isGroup = control.element.matches(".ik-many");
    if (isGroup) control.element.setAttribute("aria-labelledby", `${id}-l`);
    const name = isGroup ? h("span", { id: `${id}-l` }, label) : h("label", { for: id }, label);
    if (required) name.append(h("span", { "aria-hidden": "true" }, " *"));
    const problems = h("div", { class: "ik-field-problems" });
    const head = h("div", { class: "ik-label" }, name, reset);
    const remember = () => this.remember(column);
    const block = h("div", { class: "ik-field", onfocusin: remember, onchange: remember }, [
      head,
      control.element,
      problems,
    ]);
    return { column, control, block, problems, reset };
  }

  /** Remember what the rows have in a column, for Escape. @param {string} column */
  remember(column) {
    this.before = new Map(this.editableRows.map((row) => [row.id, this.valueOf(row, column)]));
  }

  /**
   * Restore what the rows had before the text of a field was typed, also if it was checked meanwhile; else close.
   * @param {KeyboardEvent} event
   */
  escape({ target }) {
    const field = this.columns.find(({ block }) => block.contains(/** @type {Node} */ (target)));
    const typed = field?.control.revert?.() ?? false;
    if (!(field?.control instanceof TextField && this.restore(field.column)) && !typed) this.ui.edit(null);
  }

  /** Restore the rows' values in a column, and return whether there was any other. @param {string} column */
  restore(column) {
    const changed = this.editableRows.filter(
      (row) => this.before.has(row.id) && this.before.get(row.id) !== this.valueOf(row, column),
    );
    this.edit(column, new Map(changed.map(({ id }) => [id, this.before.get(id) || null])));
    return changed.length > 0;
  }

  /** Close the panel if all rows that it showed were removed. */
  closeIfRemoved() {
    if (this.element.hidden || !this.ids.length || this.rows.length) return;
    this.close();
  }

  /** Close the panel; the focus that it had goes to the widget. */
  close() {
    const hadFocus = this.element.matches(":focus-within");
    this.element.hidden = true;
    setAttribute(this.ui.toolbar.editButton, "aria-pressed", "false");
    if (hadFocus) this.ui.root.focus({ preventScroll: true });
  }

  /** The rows that the fields show: those that were selected at the last update. */
  get rows() {
    return this.ui.store.all(this.ids);
  }

  /** The rows that can be edited, before or after their upload: the kernel rejects an edit of others as a whole. */
  get editableRows() {
    return this.rows.filter((row) => isEditable(row) || isChangeable(this.ui.queue, row));
  }

  /** Commit what is typed to the rows for which it was typed, also if Python has changed the selection. */
  selectionChanged() {
    for (const { control } of this.columns) control.commit?.();
    this.updateLater();
  }

  /** @param {string} column @param {Value} value */
  commit(column, value) {
    const ids = this.editableRows.map((row) => row.id);
    this.edit(column, new Map(ids.map((id) => [id, value])));
  }

  /** @param {string} column @param {Map<string, Value>} values by row */
  async edit(column, values) {
    if (!values.size) return;
    const edit = { column, values };
    this.edits.push(edit);
    this.head.showSaving();
    const saved = await this.ui.saveValues(column, values);
    this.edits = this.edits.filter((other) => other !== edit);
    this.head.showSaved(saved, this.edits.length > 0);
    this.updateLater(); // also if it was rejected, to show the value that the row still has
  }

  /**
   * Return what a row has in a column, or will have once the kernel has answered.
   * @param {Row} row @param {string} column
   */
  valueOf(row, column) {
    if (!this.edits.length) return valueOf(row, column);
    const edit = this.edits.findLast((other) => other.column === column && other.values.has(row.id));
    return edit ? edit.values.get(row.id) : valueOf(row, column);
  }

  /** @param {Row} row @param {string} column */
  textsOf(row, column) {
    const value = this.valueOf(row, column) ?? [];
    return Array.isArray(value) ? value.map(String) : [String(value)];
  }

  /**
   * Add and remove values of lists. Each row keeps its other values.
   * @param {string} column @param {string[]} add @param {string[]} remove @param {(string | number)[]} options
   */
  changeLists(column, add, remove, options = []) {
    /** @type {Map<string, Value>} */
    const values = new Map();
    for (const row of this.editableRows) {
      const texts = [...new Set([...this.textsOf(row, column), ...add])].filter((text) => !remove.includes(text));
      const list = texts.map((text) => options.find((option) => String(option) === text) ?? text);
      values.set(row.id, list.length || column === "tags" ? list : null); // null would restore the frame's tags
    }
    this.edit(column, values);
  }

  update() {
    if (this.element.hidden) return;
    this.ids = [...this.ui.store.selection];
    const editable = this.editableRows;
    const changeable = new Set(editable);
    const readOnly = this.rows.filter((row) => !changeable.has(row));
    const rows = editable.length ? editable : this.rows;
    this.head.show(rows, editable.length > 0);
    this.empty.hidden = rows.length > 0;
    this.readOnly.hidden = readOnly.length === 0;
    setText(this.readOnly, this.readOnlyText(readOnly));
    this.form.hidden = editable.length === 0;
    this.details.hidden = rows.length === 0 || editable.length > 0;
    if (!this.details.hidden) this.details.replaceChildren(...(rows.length === 1 ? fileDetails(this.ui, rows[0]) : []));
    this.form.disabled = editable.length === 0;
    if (rows.length) for (const column of this.columns) this.fill(column, rows);
  }

  /** Return how many files cannot be changed, and why. @param {Row[]} rows */
  readOnlyText(rows) {
    const uploaded = rows.filter(isUploaded);
    const why = uploaded.length ? STRINGS.readOnlyReasons[readOnlyReason(this.ui.queue, uploaded)] : "";
    return `${STRINGS.readOnly(rows.length)} ${why}`.trim();
  }

  /** @param {Column} column @param {Row[]} rows */
  fill({ column, control, block, problems, reset }, rows) {
    const values = rows.map((row) => this.valueOf(row, column));
    const stored = column === "is_private_file" && !rows.some(isEditable); // the library cannot change it
    block.hidden = stored || (column === "file_name" && rows.length > 1);
    control.showCounts?.(this.countTexts(rows, column), rows.length, this.requiredTags(rows));
    control.show?.(values[0], !values.every((value) => isSame(value, values[0])));
    const placed = !rows.some(isEditable) && (column === "file_name" || column === "folder"); // there is no default
    reset.hidden = placed || values.every((value) => value === undefined || value === null || value === "" || isEmptyList(value));
    this.fillProblems(problems, rows, column);
  }

  /** @param {Row[]} rows @param {string} column */
  countTexts(rows, column) {
    /** @type {Map<string, number>} */
    const counts = new Map();
    for (const row of rows) for (const text of this.textsOf(row, column)) counts.set(text, (counts.get(text) || 0) + 1);
    return counts;
  }

  /**
   * Return the tags that cannot be removed: a row without tags gets the default ones.
   * @param {Row[]} rows @returns {Set<string>}
   */
  requiredTags(rows) {
    if (!this.ui.queue.settings.defaults?.tags) return new Set();
    return new Set(rows.map((row) => this.textsOf(row, "tags")).flatMap((tags) => (tags.length === 1 ? tags : [])));
  }

  /** @param {HTMLElement} place @param {Row[]} rows @param {string} column */
  fillProblems(place, rows, column) {
    /** @type {RowProblem[]} */
    const problems = [];
    for (const row of rows)
      for (const problem of row.problems ?? []) if (problem.column === column) problems.push([row, problem]);
    const key = JSON.stringify(problems.map(([row, problem]) => [row.id, problem]));
    if (place.dataset.key === key) return;
    place.dataset.key = key;
    place.replaceChildren(...this.createProblems(problems));
  }

  /** @param {RowProblem[]} problems */
  createProblems(problems) {
    const { queue } = this.ui;
    if (!problems.length) return [];
    const [[row, problem]] = problems;
    if (problems.length === 1) return [problemList(queue, row, [problem])];
    const fixable = problems.filter(([, entry]) => isFixable(entry));
    const press = () => fixAll(this.ui, fixable);
    const text = h("p", { class: "ik-problem" }, icon("warn"), STRINGS.problemIn(problems.length, problem.message));
    return fixable.length ? [text, button({ text: STRINGS.fixFiles(fixable.length), kind: "ik-fix", press })] : [text];
  }

  /** Show the panel with the focus in a column's field, or in the first one. @param {string} [name] */
  open(name) {
    this.element.hidden = false;
    this.update();
    const named = this.columns.find(({ column }) => column === name);
    const { block } = named ?? this.columns.find((column) => !column.block.hidden) ?? {};
    /** @type {HTMLElement | null | undefined} */
    const input = block?.querySelector("input, textarea, select");
    input?.focus();
    if (!input) this.head.title.focus();
    else if (input instanceof HTMLInputElement && input.type === "text") input.select();
  }
}

/** @param {Value} value */
const isEmptyList = (value) => Array.isArray(value) && value.length === 0;
