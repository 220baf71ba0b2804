// Tables that are dropped or picked: their rows are added, or they are uploaded themselves. Python reads them.

import { FormProblem, openDialog } from "./dialogs.js";
import { button, h } from "./dom.js";
import { messageOf } from "./kernel.js";
import { STRINGS } from "./strings.js";

const PART = 720000; // bytes of a message, a multiple of three
const LARGEST_TABLE = 32000000; // bytes that Python reads
const TABLE = /\.(csv|tsv)$/i;
const METADATA_USE = "custom_metadata.";
const FIELD_USES = ["file_name", "folder", "tags", "description", "is_private_file", "custom_coordinates"];
const OTHER_ENCODINGS = ["cp1252", "cp1250", "cp1251", "utf-16", "mac_roman", "shift_jis", "gb18030"];

let lastTable = 0;

/** @typedef {{ name: string, example: string, use: string }} TableColumn */

/** Whether a file is a table by its name; one in a folder that was added is a file like any other. @param {PickedFile} picked */
export const isTable = ({ file, path }) => !path && TABLE.test(file.name);

/**
 * Ask for each table whether its rows are added or it is uploaded itself.
 * @param {Ui} ui @param {PickedFile[]} tables @param {(picked: PickedFile) => void} upload
 */
export async function askAboutTables(ui, tables, upload) {
  for (const picked of tables) await new TableDialog(ui, picked.file, () => upload(picked)).closed;
}

class TableDialog {
  /** @param {Ui} ui @param {File} file @param {() => void} upload */
  constructor(ui, file, upload) {
    this.ui = ui;
    this.file = file;
    this.key = `${ui.queue.kernel.line}-t${++lastTable}`;
    this.problem = new FormProblem();
    this.hint = h("p", { class: "ik-quiet-text" }, STRINGS.dropped.reading);
    this.columns = h("div", { class: "ik-columns", role: "list" });
    /** @type {HTMLSelectElement[]} */
    this.selects = [];
    this.addButton = button({ text: STRINGS.dropped.addRows(0), kind: "ik-primary", press: () => this.add() });
    this.addButton.hidden = true;
    const uploadIt = () => {
      this.dialog.close();
      upload();
    };
    const buttons = [
      button({ text: STRINGS.cancel, press: () => this.dialog.close() }),
      button({ text: STRINGS.dropped.uploadIt, press: uploadIt }),
      this.addButton,
    ];
    const content = [this.hint, this.columns, this.problem.element];
    const { dialog, closed } = openDialog(ui, STRINGS.dropped.title(file.name), content, buttons, () => this.add());
    this.dialog = dialog;
    this.closed = closed;
    this.read();
  }

  /** Send the table to Python, and show its columns. */
  async read() {
    if (this.file.size > LARGEST_TABLE) return this.fail(STRINGS.dropped.tooLarge);
    try {
      for (let start = 0; start < this.file.size; start += PART) {
        const data = await base64Of(this.file.slice(start, start + PART));
        this.ui.queue.kernel.send({ type: "table_part", key: this.key, data });
      }
    } catch (error) {
      return this.fail(messageOf(error));
    }
    return this.readAs("");
  }

  /** Let Python read the table in an encoding. @param {string} encoding */
  async readAs(encoding) {
    const { key, file } = this;
    try {
      const table = await this.ui.queue.kernel.request({ type: "read_table", key, name: file.name, encoding });
      this.show(table);
    } catch (error) {
      const { cause } = /** @type {Error} */ (error);
      this.fail(typeof cause === "string" ? cause : messageOf(error));
      this.columns.replaceChildren(this.encodingField(encoding));
    }
  }

  /** @param {string} text */
  fail(text) {
    this.hint.hidden = true;
    this.addButton.hidden = true;
    this.problem.show(text);
  }

  /** @param {string} chosen */
  encodingField(chosen) {
    const names = ["", ...OTHER_ENCODINGS];
    const options = names.map((name) =>
      h("option", { value: name, selected: name === chosen }, name || STRINGS.dropped.automatic),
    );
    const select = h("select", { onchange: () => this.readAs(select.value) }, options);
    return h("label", { class: "ik-column", role: "listitem" }, h("span", {}, STRINGS.dropped.encoding), select);
  }

  /** @param {{ rows: number, columns: TableColumn[] }} table */
  show({ rows, columns }) {
    this.problem.show("");
    this.hint.hidden = false;
    this.hint.textContent = STRINGS.dropped.hint(rows);
    this.selects = columns.map((column) => this.useField(column));
    const lines = columns.map(({ name, example }, at) =>
      h("div", { class: "ik-column", role: "listitem" }, [
        h("span", { class: "ik-column-name", title: name }, name),
        h("span", { class: "ik-quiet-text ik-column-example" }, example),
        this.selects[at],
      ]),
    );
    this.columns.replaceChildren(...lines);
    this.addButton.querySelector(".ik-word")?.replaceChildren(STRINGS.dropped.addRows(rows));
    this.addButton.hidden = rows === 0;
    this.selects[0]?.focus();
  }

  /** @param {TableColumn} column */
  useField({ name, use }) {
    const { fields = [] } = this.ui.queue.settings;
    /** @type {[string, string][]} */
    const uses = [
      ["", STRINGS.dropped.unused],
      ["file", STRINGS.dropped.file],
      ...FIELD_USES.map((field) => /** @type {[string, string]} */ ([field, labelOf(field)])),
      ...fields.map((field) => /** @type {[string, string]} */ ([METADATA_USE + field.name, field.label ?? field.name])),
    ];
    if (!uses.some(([value]) => value === use)) uses.push([use, use.replace(METADATA_USE, "")]);
    const options = uses.map(([value, label]) => h("option", { value, selected: value === use }, label));
    return h("select", { "aria-label": name }, options);
  }

  /** What is wrong with the choice of columns, `""` if nothing. @param {string[]} uses */
  problemOf(uses) {
    if (!uses.includes("file")) return STRINGS.dropped.noFile;
    const twice = uses.find((use, at) => use && use !== "tags" && uses.indexOf(use) !== at);
    const label = this.selects[uses.indexOf(twice ?? "")]?.selectedOptions[0]?.textContent ?? "";
    return twice ? STRINGS.dropped.twice(label) : "";
  }

  async add() {
    if (this.addButton.hidden) return;
    const uses = this.selects.map((select) => select.value);
    if (this.problem.show(this.problemOf(uses))) return;
    const { queue } = this.ui;
    try {
      const step = queue.history.nextStep();
      const added = await queue.kernel.request({ type: "add_table", key: this.key, uses, step });
      this.dialog.close();
      this.added(added);
    } catch (error) {
      this.problem.show(messageOf(error));
    }
  }

  /** @param {Message} message */
  added({ ids, joined, waiting, refused, named }) {
    const { queue } = this.ui;
    for (const id of ids) queue.fresh.add(id);
    queue.showFresh();
    if (refused) queue.emit("trouble", STRINGS.dropped.refused(refused, named[0].row, named[0].text));
    const { added, details, waits } = STRINGS.dropped;
    const texts = [ids.length ? added(ids.length) : "", joined ? details(joined) : "", waiting ? waits(waiting) : ""];
    queue.emit("announce", texts.filter(Boolean).join(" "), { visible: true });
  }
}

/** @param {string} name */
const labelOf = (name) => STRINGS.fields[/** @type {keyof typeof STRINGS.fields} */ (name)] ?? name;

/** @param {Blob} blob @returns {Promise<string>} */
function base64Of(blob) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(String(reader.result).split(",")[1] ?? "");
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(blob);
  });
}
