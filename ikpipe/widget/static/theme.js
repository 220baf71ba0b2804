// Light or dark: Jupyter's variables bring their own colours, elsewhere the page or the system says which.

import { setOrDrop } from "./dom.js";

/** Keep `data-ik-theme` of an element right; the answer ends it. */
export function followTheme(root) {
  const system = matchMedia("(prefers-color-scheme: dark)");
  const set = () => setOrDrop(root, "data-ik-theme", isDark(system) ? "dark" : "light");
  const observer = new MutationObserver(set);
  for (const element of [document.documentElement, document.body]) {
    observer.observe(element, {
      attributes: true,
      attributeFilter: ["class", "style", "data-theme", "data-jp-theme-light", "data-jp-theme-name"],
    });
  }
  system.addEventListener("change", set);
  set();
  return () => {
    observer.disconnect();
    system.removeEventListener("change", set);
  };
}

function isDark(system) {
  const { body, documentElement } = document;
  if (body.dataset.jpThemeLight) return body.dataset.jpThemeLight === "false";
  for (const element of [body, documentElement]) {
    if (element.classList.contains("dark") || element.dataset.theme === "dark") return true;
    if (element.classList.contains("light") || element.dataset.theme === "light") return false;
  }
  // a page of Jupyter that does not say which theme it has (Voila) still has its colours
  const colour = getComputedStyle(documentElement).getPropertyValue("--jp-layout-color1").trim();
  return colour ? isDarkColour(colour) : system.matches;
}

function isDarkColour(colour) {
  const canvas = document.createElement("canvas").getContext("2d");
  canvas.fillStyle = colour;
  canvas.fillRect(0, 0, 1, 1);
  const [red, green, blue] = canvas.getImageData(0, 0, 1, 1).data;
  return 0.3 * red + 0.6 * green + 0.1 * blue < 128;
}
