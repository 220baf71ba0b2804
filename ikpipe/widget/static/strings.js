// All texts of the page, in the language that Python chose, else in that of the notebook or of the browser.

import { CHOSEN_LANGUAGE } from "./languages/chosen.js";
import { GERMAN } from "./languages/de.js";
import { ENGLISH } from "./languages/en.js";
import { numbersOf } from "./languages/numbers.js";

/** @type {Record<string, typeof ENGLISH>} */
const LANGUAGES = { en: ENGLISH, de: GERMAN };

/** Return the first language that there are texts in: `de` for `de-AT`. @param {readonly string[]} wanted */
function chooseLanguage(wanted) {
  const codes = wanted.map((tag) => tag.toLowerCase().split(/[-_]/)[0]);
  return codes.find((code) => Object.hasOwn(LANGUAGES, code)) ?? "en";
}

const hostLanguages = [document.documentElement.lang, ...navigator.languages];
export const LANGUAGE = chooseLanguage(CHOSEN_LANGUAGE ? [CHOSEN_LANGUAGE] : hostLanguages);
export const STRINGS = LANGUAGES[LANGUAGE];
export const { number: numberText } = numbersOf(LANGUAGE);
