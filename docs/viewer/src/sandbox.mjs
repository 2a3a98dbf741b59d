// The picture of the sandbox: the component, the only two interfaces that it imports, and the
// numbers of what passed through them.

import { fill, h } from './dom.mjs';
import { count } from './words.mjs';

/** Creates the picture of a run with these steps. `update` shows the first of them. */
export function sandbox(steps, digest) {
  const cluster = h('span', { class: 'number' });
  const log = h('span', { class: 'number' });
  const side = (title, ...lines) => h('div', { class: 'box' }, h('strong', {}, title), lines.map((line) => h('span', {}, line)));
  const element = h('figure', { class: 'sandbox' },
    side('Component', h('code', { title: digest }, `${digest.slice(0, 19)}…`), 'no network, no files,', 'no environment'),
    h('ul', { class: 'wires' }, h('li', {}, h('code', {}, 'cluster'), cluster), h('li', {}, h('code', {}, 'log'), log)),
    side('This page', 'answers from your file', h('b', {}, 'sends nothing')),
    h('figcaption', {}, 'The component imports only these two interfaces.'),
  );

  function update(shown) {
    const numbers = { GET: 0, POST: 0, DELETE: 0, denied: 0, line: 0 };
    for (const { kind, exchange } of steps.slice(0, shown)) {
      const name = exchange && kind === 'request' ? exchange.method : kind;
      if (name in numbers) numbers[name] += 1;
    }
    const { GET, POST, DELETE, denied, line } = numbers;
    fill(cluster, `${count(GET + POST + DELETE, 'request')}: ${GET} GET, ${POST} POST, ${DELETE} DELETE; ${denied} denied here`);
    fill(log, count(line, 'line'));
  }

  update(steps.length);
  return { element, update };
}
