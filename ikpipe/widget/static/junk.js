// Files that systems leave in folders.

const JUNK = new Set([".DS_Store", "Thumbs.db", "desktop.ini"]);

/** Whether a file is one that nobody wants to upload. @param {string} name */
export const isJunk = (name) => JUNK.has(name);
