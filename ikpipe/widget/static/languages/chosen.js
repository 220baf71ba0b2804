// The language that Python chose for this uploader; "" is that of the notebook. Python replaces this file.

/** @type {string} */
export const CHOSEN_LANGUAGE = "";
