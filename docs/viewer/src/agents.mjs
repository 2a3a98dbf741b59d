// The agents of a run, with what was found on each, what became of it, and what is left.

import { h, section } from './dom.mjs';
import { grid } from './grid.mjs';
import { table } from './table.mjs';
import { count, result, words } from './words.mjs';

/** The states of an agent in a run. */
const STATES = {
  removed: 'resources removed',
  nothing: 'nothing of the target',
  kept: 'resources kept',
  away: 'not reached',
  ignored: 'ignored',
  left: 'something left or refused',
};

/**
 * Creates the table of the agents that a run's events name. `left` is the report's list, if known, and
 * `hosts` has the host names that the events do not have.
 */
export function agents(steps, left, hosts) {
  const rows = new Map();
  const row = (agent, hostname) => {
    const name = agent || hostname;
    if (!rows.has(name)) rows.set(name, { agent, hostname: hosts.get(agent) ?? '', notes: [] });
    const found = rows.get(name);
    found.hostname ||= hostname ?? '';
    return found;
  };
  steps.forEach(({ kind, entry }, index) => {
    const { tag, val } = (kind === 'line' && entry.event) || {};
    if (tag === 'agent') row(val.agent)[val.phase] = { index, text: result(val), kind: quality(val) };
    if (tag === 'unreached' || tag === 'ignored') {
      row(val.agent, val.hostname).notes.push({ index, text: `${words(val.reason)}${tag === 'ignored' ? ' (ignored)' : ''}`, kind: 'care', isIgnored: tag === 'ignored' });
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

  /** Returns the state of an agent at the line that is shown. */
  function state(it) {
    const seen = [it.volumes, it.reservations].filter(isPast).map(({ kind }) => kind);
    if (isPast(it.left) || seen.includes('bad')) return 'left';
    const notes = it.notes.filter(isPast);
    if (notes.length > 0) return notes.some(({ isIgnored }) => isIgnored) ? 'ignored' : 'away';
    if (seen.includes('good')) return 'removed';
    return seen.includes('care') ? 'kept' : 'nothing';
  }

  const view = table({
    caption: count(all.length, 'agent'),
    columns,
    rows: all,
    text: (it) => `${it.agent} ${it.hostname} ${STATES[state(it)]}`,
    isSearched: true,
    mark: ({ volumes, reservations }) => ([volumes, reservations].some((it) => isPast(it) && it.index >= since && shown < steps.length) ? 'current' : ''),
  });
  const cells = grid({ rows: all, state, words: STATES, name: ({ agent, hostname }) => agent || hostname, choose: view.search });
  return {
    element: all.length > 0 ? section('Agents', cells.element, view.element) : h('div'),
    update(to, from) {
      [shown, since] = [to, from];
      view.update();
      cells.update();
    },
  };
}

function quality({ found, outcome: { tag } }) {
  if (tag === 'accepted') return 'good';
  if (['unreserved', 'other-roles', 'nothing-to-do'].includes(tag)) return found > 0 ? 'care' : 'idle';
  return tag === 'not-active' ? 'care' : 'bad';
}
