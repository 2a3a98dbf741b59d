// Shows a plan: what a cleanup would remove, and what it would leave.

import { banner, facts, h, section } from './dom.mjs';
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
    entries.length > 0 && section('Agent by agent', resources(entries, [
      { name: 'Volume is', cell: ({ volume }) => volume && chip(volume) },
      { name: 'Reservation is', cell: ({ reservation }) => chip(reservation) },
    ])),
  );
}

/** Creates the table of reserved resources, one row each, with these columns at its end. */
function resources(entries, fates) {
  return table({
    caption: say.count(entries.length, 'reserved resource'),
    rows: entries,
    text: ({ agent, hostname, entry }) => [agent, hostname, say.resource(entry), entry.principal, entry.volume?.id].join(' '),
    columns: [
      { name: 'Agent', cell: ({ agent, hostname }) => [h('code', {}, agent), h('small', {}, ` ${hostname}`)] },
      { name: 'Resource', cell: ({ entry }) => say.resource(entry) },
      { name: 'Principal', cell: ({ entry }) => entry.principal ?? 'none' },
      { name: 'Volume', cell: ({ entry: { volume } }) => volume && [volume.id, volume.containerPath && ` at ${volume.containerPath}`].filter(Boolean).join('') },
      ...fates,
    ],
  }).element;
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
