// Files of the folder on Python's side, which are added by a pattern. Python searches it, and shows what it would add.

import { FormProblem, openDialog } from "./dialogs.js";
import { button, h } from "./dom.js";
import { bytesText } from "./format.js";
import { messageOf } from "./kernel.js";
import { STRINGS } from "./strings.js";

const SEARCH_DELAY = 400; // ms after the last key until the folder is searched
const ALL_FILES = "**/*";

/** @param {Ui} ui */
export function openFolderDialog(ui) {
  if (!ui.isOff()) new FolderDialog(ui);
}

class FolderDialog {
  /** @param {Ui} ui */
  constructor(ui) {
    this.ui = ui;
    this.problem = new FormProblem();
    this.searches = 0;
    this.files = 0; // that the shown pattern would add
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.timer = undefined;
    const oninput = () => {
      this.searches += 1;
      this.setFiles(0);
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.search(), SEARCH_DELAY);
    };
    this.pattern = h("input", { type: "text", value: ALL_FILES, maxlength: "200", spellcheck: "false", oninput });
    this.found = h("p", { role: "status" });
    this.names = h("ul", { class: "ik-names", "aria-label": STRINGS.serverFolder.preview });
    this.addButton = button({ text: STRINGS.serverFolder.addFiles(0), kind: "ik-primary", press: () => this.add() });
    const content = [
      h("label", { class: "ik-pattern" }, h("span", {}, STRINGS.serverFolder.pattern), this.pattern),
      h("p", { class: "ik-quiet-text" }, STRINGS.serverFolder.hint),
      this.found,
      this.names,
      this.problem.element,
    ];
    const title = STRINGS.serverFolder.title(ui.queue.settings.root ?? "");
    const buttons = [button({ text: STRINGS.cancel, press: () => this.dialog.close() }), this.addButton];
    const { dialog, closed } = openDialog(ui, title, content, buttons, () => this.add());
    this.dialog = dialog;
    closed.then(() => clearTimeout(this.timer));
    this.pattern.focus();
    this.pattern.select();
    this.search();
  }

  /** Show what the pattern matches. */
  async search() {
    const number = ++this.searches;
    this.found.textContent = STRINGS.serverFolder.searching;
    const answer = await this.ask(false);
    if (!answer || number !== this.searches) return;
    const { files, listed, bytes, names } = answer;
    const texts = [STRINGS.serverFolder.found(files, bytesText(bytes)), listed ? STRINGS.serverFolder.listed(listed) : ""];
    this.found.textContent = texts.filter(Boolean).join(" ");
    const more = files - names.length;
    const lines = names.map((/** @type {string} */ name) => h("li", {}, name));
    this.names.replaceChildren(...lines, ...(more > 0 ? [h("li", {}, STRINGS.duplicates.more(more))] : []));
    this.setFiles(files);
  }

  /** @param {number} files */
  setFiles(files) {
    this.files = files;
    this.addButton.disabled = files === 0;
    this.addButton.querySelector(".ik-word")?.replaceChildren(STRINGS.serverFolder.addFiles(files));
  }

  /** Return Python's answer, or show why there is none. @param {boolean} add */
  async ask(add) {
    this.problem.show("");
    const pattern = this.pattern.value;
    const number = this.searches;
    try {
      return await this.ui.queue.kernel.request({ type: "match_files", pattern, add });
    } catch (error) {
      if (number !== this.searches) return null;
      this.problem.show(messageOf(error));
      this.found.textContent = "";
      this.names.replaceChildren();
      return null;
    }
  }

  async add() {
    if (!this.files) return;
    this.setFiles(0); // until Python has answered
    const answer = await this.ask(true);
    if (!answer) return;
    const { queue } = this.ui;
    this.dialog.close();
    for (const id of answer.ids) queue.fresh.add(id);
    queue.showFresh();
    const rest = answer.files - answer.ids.length;
    const texts = [STRINGS.added(answer.ids.length), rest ? STRINGS.serverFolder.rest(rest) : ""];
    queue.emit("announce", texts.filter(Boolean).join(". "), { visible: true });
  }
}
