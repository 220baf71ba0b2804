// What Python reports, in the page's language: it names each reason, with values. Without a name, its own words stay.

import { bytesText } from "./format.js";
import { LANGUAGE, numberText, STRINGS } from "./strings.js";

const DATE = /^\d{4}-\d{2}-\d{2}/;

/** Return a message with its sentences in the page's language. @param {Message} message @returns {Message} */
export function localized(message) {
  if (message.type === "rows") return { ...message, rows: message.rows.map(localizedRow) };
  if (message.type !== "error" || !message.reason) return message;
  const text = STRINGS.troubles[message.reason];
  return text ? { ...message, message: text, details: message.message } : message;
}

/** @param {Row} row @returns {Row} */
function localizedRow(row) {
  if (!row.problems && !row.result) return row;
  const { problems, result } = row;
  return {
    ...row,
    ...(problems && { problems: problems.map(localizedProblem) }),
    ...(result && { result: localizedResult(result) }),
  };
}

/** @param {Problem} problem @returns {Problem} */
function localizedProblem(problem) {
  const { column, message, reason } = problem;
  const text = reason && phraseOf(STRINGS.reasons, reason, column);
  if (!text) return problem;
  const details = reason.detailed ? message : undefined;
  return { ...problem, message: text, fix: phraseOf(STRINGS.fixes, reason, column), details };
}

/** @param {Result} result @returns {Result} */
function localizedResult(result) {
  const { error, message, reason } = result;
  const name = reason ?? error;
  if (!name) return result;
  const text = STRINGS.errors[name] ?? phraseOf(STRINGS.reasons, { name, values: {} });
  if (!text) return result;
  const what = STRINGS.errors[name] ? STRINGS.advice[name] : phraseOf(STRINGS.fixes, { name, values: {} });
  return { ...result, message: text, what, details: message };
}

/**
 * Return the sentence of a reason with its values, `""` if there is none.
 * @param {Record<string, (values: any) => string>} phrases @param {Reason} reason @param {string} [column]
 */
function phraseOf(phrases, { name, values }, column = "") {
  if (!Object.hasOwn(phrases, name)) return "";
  const label = STRINGS.fields[/** @type {keyof typeof STRINGS.fields} */ (column)] ?? column;
  const shown = Object.entries(values).map(([key, value]) => [key, valueText(key, value)]);
  return phrases[name]({ label, ...Object.fromEntries(shown) });
}

/** @param {string} key @param {any} value @returns {string} */
function valueText(key, value) {
  if (Array.isArray(value)) return value.map((item) => valueText("", item)).join(", ");
  if (key === "size") return value ? bytesText(value) : "";
  if (typeof value === "number") return numberText(value);
  if (key !== "value" && DATE.test(value)) return dateText(value);
  return value === null || value === undefined ? "" : String(value);
}

/** @param {string} date */
function dateText(date) {
  const day = new Date(date.slice(0, 10));
  return new Intl.DateTimeFormat(LANGUAGE, { dateStyle: "medium", timeZone: "UTC" }).format(day);
}
