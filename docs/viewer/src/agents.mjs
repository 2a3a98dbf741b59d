// The agents of a run, with what was found on each, what became of it, and what is left.

import { h, section } from './dom.mjs';
import { table } from './table.mjs';
import { count, result, words } from './words.mjs';

/** Creates the table of the agents that a run's events name. `left` is the report's list, if known. */
export function agents(steps, left) {
  const rows = new Map();
  const row = (agent, hostname) => {
    const name = agent || hostname;
    if (!rows.has(name)) rows.set(name, { agent, hostname: '', notes: [] });
    const found = rows.get(name);
    found.hostname ||= hostname ?? '';
    return found;
  };
  steps.forEach(({ kind, entry }, index) => {
    const { tag, val } = (kind === 'line' && entry.event) || {};
    if (tag === 'agent') row(val.agent)[val.phase] = { index, text: result(val), kind: quality(val) };
    if (tag === 'unreached' || tag === 'ignored') {
      row(val.agent, val.hostname).notes.push({ index, text: `${words(val.reason)}${tag === 'ignored' ? ' (ignored)' : ''}`, kind: 'care' });
    }
  });
  for (const { agent, hostname, volumes, resources } of left ?? []) {
    const text = `${count(volumes, 'volume')}, ${count(resources, 'resource')}`;
    row(agent, hostname).left = { index: steps.length - 1, text, kind: 'bad' };
  }

  let shown = steps.length;
  let since = 0;
  const isPast = (cell) => cell && cell.index < shown;
  const chip = ({ text, kind }) => h('span', { class: `chip ${kind}` }, text);
  const cell = (name) => (it) => (isPast(it[name]) ? chip(it[name]) : '');
  const nothing = (it) => (left && shown === steps.length && !it.left ? 'nothing' : '');
  const columns = [
    { name: 'Agent', cell: ({ agent, hostname }) => [h('code', {}, agent || '(unknown id)'), hostname && h('small', {}, ` ${hostname}`)].filter(Boolean) },
    { name: 'Volumes', cell: cell('volumes') },
    { name: 'Reservations', cell: cell('reservations') },
    { name: 'Could not be seen or removed', cell: ({ notes }) => notes.filter(isPast).map(chip) },
    { name: 'Left', cell: (it) => (isPast(it.left) ? chip(it.left) : nothing(it)) },
  ];
  const all = [...rows.values()];
  const view = table({
    caption: count(all.length, 'agent'),
    columns,
    rows: all,
    text: ({ agent, hostname }) => `${agent} ${hostname}`,
    mark: ({ volumes, reservations }) => ([volumes, reservations].some((it) => isPast(it) && it.index >= since && shown < steps.length) ? 'current' : ''),
  });
  return {
    element: all.length > 0 ? section('Agents', view.element) : h('div'),
    update(to, from) {
      [shown, since] = [to, from];
      view.update();
    },
  };
}

function quality({ found, outcome: { tag } }) {
  if (tag === 'accepted') return 'good';
  if (['unreserved', 'other-roles', 'nothing-to-do'].includes(tag)) return found > 0 ? 'care' : 'idle';
  return tag === 'not-active' ? 'care' : 'bad';
}
