// Creates elements. Texts become text nodes, in which invisible characters are escaped, so no text
// of a file becomes markup.

import { printable } from './printable.mjs';

/** Creates an element with these attributes, event listeners (`onclick`) and children. */
export function h(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [attribute, value] of Object.entries(attributes)) {
    if (attribute.startsWith('on')) element.addEventListener(attribute.slice(2), value);
    else if (value === true) element.setAttribute(attribute, '');
    else if (value !== false && value !== undefined) element.setAttribute(attribute, value);
  }
  element.append(...nodes(children));
  return element;
}

/** Creates an element of a picture with these attributes and children. */
export function svg(name, attributes = {}, ...children) {
  const element = document.createElementNS('http://www.w3.org/2000/svg', name);
  for (const [attribute, value] of Object.entries(attributes)) element.setAttribute(attribute, value);
  element.append(...nodes(children));
  return element;
}

/** Replaces the children of an element. */
export function fill(element, ...children) {
  element.replaceChildren(...nodes(children));
}

function nodes(children) {
  const present = children.flat(2).filter((child) => child !== undefined && child !== null && child !== false);
  return present.map((child) => (child instanceof Node ? child : printable(String(child))));
}

/** Creates a part that shows JSON, in which invisible characters are escaped already. */
export function json(title, text, attributes) {
  return h('details', { class: 'document' }, h('summary', {}, title), h('pre', attributes, document.createTextNode(text)));
}

/** Creates a section with a heading, which names it. */
export function section(title, ...children) {
  const heading = h('h3', { id: unique() }, title);
  return h('section', { 'aria-labelledby': heading.id }, heading, ...children);
}

/** Creates a list of terms and descriptions. Those without a description are left out. */
export function facts(pairs) {
  const present = Object.entries(pairs).filter(([, value]) => value !== undefined && value !== '');
  return h('dl', { class: 'facts' }, present.map(([term, value]) => h('div', {}, h('dt', {}, term), h('dd', {}, value))));
}

/** Creates a message that stands out: `good`, `bad`, `care` or `note`. */
export function banner(kind, title, ...children) {
  return h('div', { class: `banner ${kind}` }, h('strong', {}, title), h('div', {}, ...children));
}

let ids = 0;

/** Returns an id that no other element has. */
export function unique() {
  ids += 1;
  return `id-${ids}`;
}
