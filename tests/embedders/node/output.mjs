// The output of the hosts in this folder: the log on standard error, and the report on standard
// output, as one line of JSON.

/** Shows an entry of the log. */
export function write({ level, message }) {
  if (level !== 'debug') say(message);
}

/** Shows a line for people. */
export function say(message) {
  console.error(printable(message));
}

/** Shows a report. */
export function show(report) {
  console.log(JSON.stringify(plain(report)));
}

/** Converts a value of the report to the names of `janitor --output json`. */
function plain(value, field) {
  const isCase = ['phase', 'reason', 'confirmed'].includes(field);
  if (value === undefined) return null;
  if (Array.isArray(value)) return value.map((item) => plain(item, field));
  if (typeof value === 'bigint') return Number(value);
  if (typeof value === 'string') return isCase ? pascal(value) : value;
  if (typeof value !== 'object') return value;
  if ('tag' in value) return 'val' in value ? { [pascal(value.tag)]: plain(value.val) } : pascal(value.tag);
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [snake(name), plain(inner, name)]));
}

function pascal(kebab) {
  return kebab.replace(/(?:^|-)(.)/g, (_, letter) => letter.toUpperCase());
}

function snake(camel) {
  return camel.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** Escapes characters that control a terminal, or change the direction of writing on it. */
function printable(message) {
  return message.replace(/[\p{Cc}\p{Bidi_Control}]/gu, (c) => `\\u{${c.codePointAt(0).toString(16)}}`);
}
