// Light or dark: Jupyter's variables have colors of their own; elsewhere the page or the system decides.

import { h, setAttribute } from "./dom.js";

/**
 * Keep the attribute `data-ik-theme` of an element up to date, and return a function that stops it.
 * @param {HTMLElement} root
 */
export function followTheme(root) {
  const system = matchMedia("(prefers-color-scheme: dark)");
  const update = () => setAttribute(root, "data-ik-theme", isDark(system.matches) ? "dark" : "light");
  const observer = new MutationObserver(update);
  const attributeFilter = ["class", "style", "data-theme", "data-jp-theme-light", "data-jp-theme-name"];
  for (const element of [document.documentElement, document.body]) {
    observer.observe(element, { attributes: true, attributeFilter });
  }
  system.addEventListener("change", update);
  update();
  return () => {
    observer.disconnect();
    system.removeEventListener("change", update);
  };
}

/** @param {boolean} systemIsDark */
function isDark(systemIsDark) {
  const { body, documentElement } = document;
  if (body.dataset.jpThemeLight) return body.dataset.jpThemeLight === "false";
  for (const element of [body, documentElement]) {
    if (element.classList.contains("dark") || element.dataset.theme === "dark") return true;
    if (element.classList.contains("light") || element.dataset.theme === "light") return false;
  }
  // a page of Jupyter that does not name its theme (Voila) still has its colors
  const color = getComputedStyle(documentElement).getPropertyValue("--jp-layout-color1").trim();
  return color ? isDarkColor(color) : systemIsDark;
}

/** @param {string} color */
function isDarkColor(color) {
  const canvas = h("canvas").getContext("2d");
  if (!canvas) return false;
  canvas.fillStyle = color;
  canvas.fillRect(0, 0, 1, 1);
  const [red, green, blue] = canvas.getImageData(0, 0, 1, 1).data;
  return 0.3 * red + 0.6 * green + 0.1 * blue < 128;
}
