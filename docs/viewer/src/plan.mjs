// Shows a plan: what a cleanup would remove, and what it would leave.

import { banner, facts, h, section } from './dom.mjs';
import { grid } from './grid.mjs';
import { table } from './table.mjs';
import * as say from './words.mjs';

/** Creates the view of a plan. */
export function planView(it, options) {
  const entries = it.agents.flatMap(({ agent, hostname, entries: all }) => all.map((entry) => ({ agent, hostname, ...entry })));
  const removed = (fate) => fate?.tag === 'removed';
  const sums = {
    agents: it.agents.length,
    volumes: entries.filter(({ volume }) => removed(volume)).length,
    reservations: entries.filter(({ reservation }) => removed(reservation)).length,
    stay: entries.filter(({ reservation }) => !removed(reservation)).length,
  };
  return h('div', { class: 'plan' },
    it.refusal === undefined
      ? banner('note', 'A cleanup would not be refused', ' by what the plan knows.')
      : banner('bad', `A cleanup would be refused (${say.words(it.refusal)})`, it.whyRefused ?? ''),
    it.frameworksUnknown && banner('care', 'The frameworks are not known', it.frameworksUnknown),
    facts({
      Target: say.target(it.target),
      Options: options && say.options(options),
      'Version of Mesos': it.mesosVersion ?? 'not known',
      ZooKeeper: it.znode && `znode '${it.target.znode}': ${say.words(it.znode)}`,
      Warnings: it.warnings.map(say.words).join(', '),
    }),
    h('ul', { class: 'tiles' },
      tile(sums.agents, 'agents hold something'), tile(sums.volumes, 'volumes are destroyed'),
      tile(sums.reservations, 'reservations are released'), tile(sums.stay, 'resources stay')),
    list('Frameworks that use the target', it.frameworks.map(say.framework)),
    list('Agents that cannot be seen or reached', it.unreached.map(say.unreached)),
    list('Agents that are ignored', it.ignored.map(say.unreached)),
    list('Outside the target', it.elsewhere.map(say.elsewhere)),
    entries.length > 0 && agents(it, entries),
  );
}

/** The states of an agent in a plan. */
const STATES = {
  removed: 'resources are removed',
  nothing: 'nothing of the target',
  kept: 'all resources are kept',
  away: 'not reached: removed later',
  ignored: 'ignored',
  left: 'something left',
};

/** Creates the grid of the agents with the table of their resources. */
function agents({ agents: all, unreached, ignored }, entries) {
  const among = (list) => new Set(list.filter(({ reason }) => reason === 'not-active').map(({ agent }) => agent));
  const [away, given] = [among(unreached), among(ignored)];
  const states = new Map(all.map(({ agent, entries: held }) => {
    const isRemoved = held.some(({ volume, reservation }) => [volume?.tag, reservation.tag].includes('removed'));
    if (!isRemoved) return [agent, 'kept'];
    return [agent, away.has(agent) ? 'away' : given.has(agent) ? 'ignored' : 'removed'];
  }));
  const view = table({
    caption: say.count(entries.length, 'reserved resource'),
    rows: entries,
    isSearched: true,
    text: ({ agent, hostname, entry }) => [agent, hostname, say.resource(entry), entry.principal, entry.volume?.id, STATES[states.get(agent)]].join(' '),
    columns: [
      { name: 'Agent', cell: ({ agent, hostname }) => [h('code', {}, agent), h('small', {}, ` ${hostname}`)] },
      { name: 'Resource', cell: ({ entry }) => say.resource(entry) },
      { name: 'Principal', cell: ({ entry }) => entry.principal ?? 'none' },
      { name: 'Volume', cell: ({ entry: { volume } }) => volume && [volume.id, volume.containerPath && ` at ${volume.containerPath}`].filter(Boolean).join('') },
      { name: 'Volume is', cell: ({ volume }) => volume && chip(volume) },
      { name: 'Reservation is', cell: ({ reservation }) => chip(reservation) },
    ],
  });
  const cells = grid({ rows: all, state: ({ agent }) => states.get(agent), words: STATES, name: ({ agent }) => agent, choose: view.search });
  return section('Agent by agent', cells.element, view.element);
}

function chip(fate) {
  return h('span', { class: `chip ${fate.tag === 'removed' ? 'bad' : 'idle'}` }, say.fate(fate));
}

function tile(number, text) {
  return h('li', {}, h('strong', {}, number.toLocaleString('en')), h('span', {}, text));
}

function list(title, items) {
  return items.length > 0 && section(title, h('ul', {}, items.map((item) => h('li', {}, item))));
}
