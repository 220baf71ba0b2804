// Suggestions for tags: those of the list, then those of the account, which the kernel is asked for once.

import { h } from "./dom.js";

const MOST = 200;

export class TagSuggestions {
  /** @param {Queue} queue */
  constructor(queue) {
    this.queue = queue;
    /** @type {string[]} */
    this.account = [];
    this.asked = false;
    this.element = h("datalist", { id: `ik-tags-${Math.random().toString(36).slice(2, 8)}` });
  }

  /** Fill the list, when the field gets the focus. */
  async show() {
    this.fill();
    if (this.asked || this.queue.settings.can_search === false) return;
    this.asked = true;
    const { tags } = await this.queue.kernel.request({ type: "tags" }).catch(() => ({ tags: [] }));
    this.account = tags;
    this.fill();
  }

  fill() {
    /** @type {Map<string, number>} */
    const counts = new Map();
    for (const row of this.queue.store.rows.values())
      for (const tag of row.tags ?? []) counts.set(tag, (counts.get(tag) ?? 0) + 1);
    const listed = [...counts].sort((a, b) => b[1] - a[1]).map(([tag]) => tag);
    const tags = [...new Set([...listed, ...this.account])].slice(0, MOST);
    this.element.replaceChildren(...tags.map((value) => h("option", { value })));
  }
}
