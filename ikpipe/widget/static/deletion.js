// Deleting files from the library: it is confirmed first, since the library keeps no deleted files.

import { button, h } from "./dom.js";
import { isChangeable } from "./states.js";
import { STRINGS } from "./strings.js";

const MAX_NAMES = 5;

/** Ask whether the files of some rows are to be deleted. @param {Ui} ui @param {Row[]} rows */
export function confirmDeletion(ui, rows) {
  if (ui.isOff()) return;
  const remove = async () => {
    dialog.close();
    const ids = ui.store
      .all(rows.map((row) => row.id))
      .filter((row) => isChangeable(ui.queue, row))
      .map((row) => row.id);
    if (!ids.length) return;
    const { rows: deleted } = await ui.queue.library.delete(ids);
    if (deleted) ui.announce(STRINGS.deleted(deleted), { visible: true });
  };
  const names = rows.slice(0, MAX_NAMES).map((row) => h("li", {}, row.result?.path ?? row.name));
  const more = rows.length > MAX_NAMES ? [h("li", {}, STRINGS.moreFiles(rows.length - MAX_NAMES))] : [];
  const cancel = button({ text: STRINGS.cancel, press: () => dialog.close() });
  const dialog = h("dialog", { class: "ik-dialog", role: "alertdialog", "aria-label": STRINGS.deleteQuestion(rows.length) }, [
    h("h2", {}, STRINGS.deleteQuestion(rows.length)),
    h("ul", { class: "ik-names" }, ...names, ...more),
    h("p", { class: "ik-quiet-text" }, STRINGS.deleteHint),
    h("div", { class: "ik-buttons" }, [
      cancel,
      button({ icon: "trash", text: STRINGS.deleteFiles(rows.length), kind: "ik-danger", press: remove }),
    ]),
  ]);
  dialog.addEventListener("keydown", (event) => event.stopPropagation());
  dialog.addEventListener("close", () => {
    dialog.remove();
    ui.grid.focus(ui.view.active);
  });
  ui.root.append(dialog);
  dialog.showModal();
  cancel.focus();
}
