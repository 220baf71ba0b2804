// How a language writes numbers, and which form of a text belongs to a number.

/** Create the functions of a language, by its code. @param {string} language @returns {Numbers} */
export function numbersOf(language) {
  const format = new Intl.NumberFormat(language);
  const rules = new Intl.PluralRules(language);
  const number = (/** @type {number} */ n) => format.format(n);
  return { number, plural: (n, forms) => (forms[rules.select(n)] ?? forms.other).replace("#", number(n)) };
}
