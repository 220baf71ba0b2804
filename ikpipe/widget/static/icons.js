// Icons, drawn as lines in the color of the text. They are decoration: the text is next to them, or in a label.

/** @type {Record<string, string>} */
const PATHS = {
  plus: "M8 3v10M3 8h10",
  crop: "M4.5 1.5v10h10M1.5 4.5h10v10",
  turnleft: "M13.5 7h-7v6.5h7zM8 3.5H5.5a3 3 0 0 0-3 3V8M4.2 6.4 2.5 8.2.8 6.4",
  turnright: "M2.5 7h7v6.5h-7zM8 3.5h2.5a3 3 0 0 1 3 3V8M11.8 6.4 13.5 8.2 15.2 6.4",
  mirror: "M8 1.5v13M6 4v8H1.5zM10 4v8h4.5z",
  upend: "M1.5 8h13M4 6h8V1.5zM4 10h8v4.5z",
  minus: "M3 8h10",
  full: "M6 2.5H2.5V6M10 2.5h3.5V6M13.5 10v3.5H10M2.5 10v3.5H6",
  compare: "M2 3.5h5v9H2zM9 3.5h5v9H9zM8 1.5v13",
  folder: "M2 4.5V12a1 1 0 0 0 1 1h10a1 1 0 0 0 1-1V6a1 1 0 0 0-1-1H8L6.5 3.5H3a1 1 0 0 0-1 1z",
  upload: "M8 11V3M4.5 6.5 8 3l3.5 3.5M3 11v2h10v-2",
  download: "M8 3v8M4.5 7.5 8 11l3.5-3.5M3 12v1.5h10V12",
  search: "M7 11.5a4.5 4.5 0 1 0 0-9 4.5 4.5 0 0 0 0 9zM10.3 10.3 14 14",
  gallery: "M2.5 2.5h4.5v4.5H2.5zM9 2.5h4.5v4.5H9zM2.5 9h4.5v4.5H2.5zM9 9h4.5v4.5H9z",
  table: "M2.5 4h11M2.5 8h11M2.5 12h11",
  edit: "M3 13l.6-2.8L11 2.8l2.2 2.2-7.4 7.4zM9.6 4.2l2.2 2.2",
  close: "M4 4l8 8M12 4l-8 8",
  check: "M3 8.5 6.5 12 13 4.5",
  warn: "M8 2.2 14.3 13H1.7zM8 6.3v3M8 11.2v.1",
  bad: "M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12zM8 5v3.6M8 10.8v.1",
  clock: "M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12zM8 4.8V8l2.2 1.6",
  question: "M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12zM6.2 6.4a1.8 1.8 0 1 1 2.5 1.7c-.5.2-.7.5-.7 1M8 11.1v.1",
  stop: "M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12zM3.8 3.8l8.4 8.4",
  ready: "M8 11.2a3.2 3.2 0 1 0 0-6.4 3.2 3.2 0 0 0 0 6.4z",
  image: "M2.5 3h11v10h-11zM2.5 11l3.2-3.4 2.6 2.7 2-2 3.2 3.2M10.4 6.2v.1",
  video: "M2 4h8.5v8H2zM10.5 7 14 5v6l-3.5-2z",
  audio:
    "M6 12V4l7-1.5v8M6 12a1.8 1.8 0 1 1-3.6 0A1.8 1.8 0 0 1 6 12zM13 10.5a1.8 1.8 0 1 1-3.6 0 1.8 1.8 0 0 1 3.6 0z",
  other: "M4 2h5.5L12.5 5v9H4zM9.2 2v3.2h3.2",
  visit: "M9 3h4v4M13 3 7.5 8.5M11.5 9v4h-9V4.5H7",
  camera: "M2 5h2.6l1.2-1.8h4.4L11.4 5H14v8H2zM8 11.2a2.4 2.4 0 1 0 0-4.8 2.4 2.4 0 0 0 0 4.8z",
  copy: "M5.5 5.5h8v8h-8zM3.5 10.5h-1v-8h8v1",
  retry: "M13 8a5 5 0 1 1-1.5-3.5M13 2v3h-3",
  trash: "M3 4.5h10M6.2 4.5V3h3.6v1.5M4.2 4.5l.6 9h6.4l.6-9",
  left: "M10 3 5 8l5 5",
  right: "M6 3l5 5-5 5",
  up: "M8 13V3M4 7l4-4 4 4",
  down: "M8 3v10M4 9l4 4 4-4",
  area: "M2.5 5.5v-3h3M10.5 2.5h3v3M13.5 10.5v3h-3M5.5 13.5h-3v-3",
  offline:
    "M2 2l12 12M4.5 8.5A5 5 0 0 1 7 7.1M2.2 6A8.3 8.3 0 0 1 5 4.3M8 3.5A8.3 8.3 0 0 1 13.8 6M10.5 7.7l1 .8M8 12v.1",
  eye: "M1.5 8S4 3.8 8 3.8 14.5 8 14.5 8 12 12.2 8 12.2 1.5 8 1.5 8zM8 10a2 2 0 1 0 0-4 2 2 0 0 0 0 4z",
  info: "M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12zM8 7.4v3.4M8 5.2v.1",
  more: "M3.5 8h.1M8 8h.1M12.5 8h.1",
  lock: "M4 7.2h8v6H4zM5.6 7.2V5.3a2.4 2.4 0 0 1 4.8 0v1.9",
  fit: "M2.5 3.5h11v9h-11zM5.5 5.5h5v5h-5z",
  link: "M6.8 9.2a2.6 2.6 0 0 0 3.7 0l2.3-2.3a2.6 2.6 0 0 0-3.7-3.7l-.8.8M9.2 6.8a2.6 2.6 0 0 0-3.7 0L3.2 9.1a2.6 2.6 0 0 0 3.7 3.7l.8-.8",
  server: "M2 4.5V12a1 1 0 0 0 1 1h4M14 7.5V6a1 1 0 0 0-1-1H8L6.5 3.5H3a1 1 0 0 0-1 1M11 13.2a2.2 2.2 0 1 0 0-4.4 2.2 2.2 0 0 0 0 4.4zM12.6 12.6 14.5 14.5",
  undo: "M3 6h6.5a3.5 3.5 0 0 1 0 7H6M3 6l3-3M3 6l3 3",
};

const SVG = "http://www.w3.org/2000/svg";

/** @param {string} name */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("class", `ik-icon ik-icon-${name}`);
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", PATHS[name]);
  svg.append(path);
  return svg;
}
