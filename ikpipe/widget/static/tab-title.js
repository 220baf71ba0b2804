// The progress of uploads in the title of the browser's tab.

let shown = ""; // what stands before the page's own title

/** Show a text before the page's title, `""` for none. @param {string} text */
export function showInTitle(text) {
  const prefix = text ? `${text} · ` : "";
  if (prefix === shown) return;
  const title = document.title.startsWith(shown) ? document.title.slice(shown.length) : document.title;
  shown = prefix;
  document.title = prefix + title;
}
