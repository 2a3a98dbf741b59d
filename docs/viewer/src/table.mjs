// A table of any number of rows, of which one page is in the document.

import { fill, h, unique } from './dom.mjs';

const PAGE = 50;

/**
 * Creates a table. A column has a `name` and a function `cell` that returns the content for a row;
 * the first column names the row. `text` returns the text of a row in which the filter searches.
 * The result has the `element`, `update`, which creates the page again, and `search`, which filters. A
 * table that others search has a filter even if it is short.
 */
export function table({ caption, columns, rows, text, mark = () => '', isSearched = false }) {
  let page = 0;
  let shown = rows;
  const body = h('tbody');
  const head = h('thead', {}, h('tr', {}, columns.map(({ name }) => h('th', { scope: 'col' }, name))));
  const title = h('caption', { id: unique() }, caption);
  const place = h('span', { class: 'place', role: 'status' });
  const turn = (by) => () => {
    page += by;
    update();
  };
  const back = h('button', { type: 'button', onclick: turn(-1) }, 'Previous page');
  const forth = h('button', { type: 'button', onclick: turn(1) }, 'Next page');
  const input = h('input', { type: 'search', oninput: () => search(input.value) });
  const filter = h('label', {}, 'Filter ', input);
  const isLong = rows.length > PAGE;

  function search(words) {
    input.value = words;
    const wanted = words.toLowerCase();
    shown = rows.filter((row) => text(row).toLowerCase().includes(wanted));
    page = 0;
    update();
  }

  function update() {
    const pages = Math.max(1, Math.ceil(shown.length / PAGE));
    page = Math.min(Math.max(page, 0), pages - 1);
    const first = page * PAGE;
    const visible = shown.slice(first, first + PAGE);
    fill(body, visible.map((row) => h('tr', { class: mark(row) }, columns.map(({ cell }, index) => {
      const content = [cell(row)].flat();
      return index === 0 ? h('th', { scope: 'row' }, ...content) : h('td', {}, ...content);
    }))));
    fill(place, shown.length === 0 ? 'none' : `${first + 1} to ${first + visible.length} of ${shown.length}`);
    back.disabled = page === 0;
    forth.disabled = page === pages - 1;
  }

  update();
  const tools = (isLong || isSearched) && h('div', { class: 'tools' }, text && filter, isLong && [back, forth], place);
  const frame = h('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-labelledby': title.id }, h('table', {}, title, head, body));
  return { element: h('div', {}, tools, frame), update, search };
}
