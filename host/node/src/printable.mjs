// This prevents texts from controlling a terminal.

/**
 * The characters that do something other than appear, or do not appear at all: control characters,
 * spaces other than the plain one, invisible and format characters, and noncharacters.
 */
const HIDDEN =
  /(?! )[\p{Cc}\p{White_Space}\p{Default_Ignorable_Code_Point}\p{Noncharacter_Code_Point}\u2800\ufff9-\ufffb\u{13430}-\u{1343f}\u{16fe4}\u{1d159}]/gu;

/** Escapes them. */
export function printable(text) {
  return text.replace(HIDDEN, (c) => `\\u{${c.codePointAt(0).toString(16)}}`);
}
