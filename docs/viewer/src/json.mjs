// Reads JSON strictly, and writes it as the command does.

import { HIDDEN } from './printable.mjs';

/** A number that the command writes with a decimal point. */
export class Double {
  constructor(value) {
    this.value = value;
  }
}

/** Refuses JSON in which an object has a duplicate key: readers would disagree about its value. */
export function refuseDuplicates(text) {
  const open = [];
  let last = '';
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"|[{}[\]:]/g)) {
    if (token === '{') open.push(new Set());
    else if (token === '[') open.push(undefined);
    else if (token === '}' || token === ']') open.pop();
    else if (token === ':') {
      const key = JSON.parse(last);
      if (open.at(-1).has(key)) throw new Error(`duplicate key \`${key}\``);
      open.at(-1).add(key);
    }
    last = token;
  }
}

/** Writes JSON on one line, or with an indentation on several. */
export function write(value, indent = '', within = '') {
  if (value instanceof Double) return double(value.value);
  if (typeof value === 'bigint') return String(value);
  if (typeof value === 'string') return text(value);
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const inner = within + indent;
  const items = Array.isArray(value)
    ? value.map((item) => write(item, indent, inner))
    : Object.entries(value).map(([name, item]) => `${text(name)}:${indent && ' '}${write(item, indent, inner)}`);
  const [begin, end] = Array.isArray(value) ? '[]' : '{}';
  if (items.length === 0 || !indent) return begin + items.join(',') + end;
  return `${begin}\n${inner}${items.join(`,\n${inner}`)}\n${within}${end}`;
}

/** Writes a text, in which characters that do not appear are escaped. */
function text(value) {
  const units = (hidden) => hidden.split('').map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
  return JSON.stringify(value).replace(HIDDEN, (hidden) => units(hidden).join(''));
}

/** Writes a floating-point number in the shortest form that has a decimal point or an exponent. */
function double(value) {
  const size = Math.abs(value);
  if (size !== 0 && (size >= 1e16 || size < 1e-5)) return value.toExponential().replace('e+', 'e');
  return Number.isInteger(value) ? `${Object.is(value, -0) ? '-0' : value}.0` : String(value);
}
