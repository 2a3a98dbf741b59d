// All agents at a glance: one cell each, with a symbol and a colour for what became of it.

import { fill, h } from './dom.mjs';

/** The states of an agent, in the order of the legend. */
const STATES = {
  removed: { symbol: '✓', kind: 'good' },
  nothing: { symbol: '·', kind: 'idle' },
  kept: { symbol: '=', kind: 'care' },
  away: { symbol: '?', kind: 'care' },
  ignored: { symbol: '–', kind: 'care' },
  left: { symbol: '!', kind: 'bad' },
};

/**
 * Creates the grid of rows. `state` returns the name of a row's state, `words` has the descriptions of
 * the states, `name` returns the name of a row, and `choose` is called with the text of a choice. The
 * table below the grid has the same content for a keyboard and a screen reader.
 */
export function grid({ rows, state, words, name, choose }) {
  const cells = rows.map((_, index) => h('i', { 'data-row': String(index) }));
  const field = h('div', { class: 'cells', role: 'img', onclick: ({ target }) => {
    const row = rows[Number(target.dataset.row ?? -1)];
    if (row !== undefined) choose(name(row));
  } }, cells);
  const legend = h('ul', { class: 'legend' });

  function update() {
    const counts = new Map(Object.keys(STATES).map((key) => [key, 0]));
    rows.forEach((row, index) => {
      const key = state(row);
      const { symbol, kind } = STATES[key];
      counts.set(key, counts.get(key) + 1);
      const cell = cells[index];
      if (cell.dataset.state === key) return;
      cell.dataset.state = key;
      cell.className = kind;
      cell.title = `${name(row)}: ${words[key]}`;
      cell.textContent = symbol;
    });
    const present = [...counts].filter(([, number]) => number > 0);
    fill(legend, present.map(([key, number]) => h('li', {},
      h('button', { type: 'button', title: 'Show these in the table', onclick: () => choose(words[key]) },
        h('i', { class: STATES[key].kind, 'aria-hidden': 'true' }, STATES[key].symbol), ` ${words[key]}: ${number.toLocaleString('en')}`))));
    field.setAttribute('aria-label', `Agents: ${present.map(([key, number]) => `${words[key]} ${number}`).join(', ')}`);
  }

  update();
  return { element: h('div', { class: 'grid' }, field, legend), update };
}
