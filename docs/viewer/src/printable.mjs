// Shows texts that may come from a server or from somebody else's file, as
// `host/contract/src/printable.rs` does.

/** Characters that control, do not appear, or change the direction of writing; not the plain space. */
export const HIDDEN =
  /(?! )[\p{Cc}\p{Cs}\p{White_Space}\p{Default_Ignorable_Code_Point}\p{Noncharacter_Code_Point}\u2800\ufff9-\ufffb\u{13430}-\u{1343f}\u{16fe4}\u{1d159}]/gu;

/** Escapes every character that could make a text look like another one. */
export function printable(text) {
  return text.replace(HIDDEN, (c) => `\\u{${c.codePointAt(0).toString(16)}}`);
}
