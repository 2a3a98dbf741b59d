// Lists everything that a run has left in the cluster, with the reason.

import { h, section } from './dom.mjs';
import { table } from './table.mjs';
import * as say from './words.mjs';

/** Creates the part about everything that is left. `message` says why the run ended, if it failed. */
export function left(report, message) {
  if (!report) return undefined;
  const results = new Map();
  for (const it of report.agents) {
    const isCause = !['accepted', 'nothing-to-do', 'unreserved'].includes(it.outcome.tag) || it.skipped.length > 0;
    if (isCause) results.set(it.agent, [...(results.get(it.agent) ?? []), `${say.words(it.phase)}: ${say.result(it)}`]);
  }
  const why = (agent) => results.get(agent)?.join('; ') ?? message ?? 'the run did not come to it';
  const rows = [
    ...(report.left ?? []).map(({ agent, hostname, volumes, resources }) => ({ where: `${agent} ${hostname}`, what: `${say.count(volumes, 'volume')}, ${say.count(resources, 'resource')}`, why: why(agent) })),
    ...report.unreached.map((it) => ({ where: `${it.agent} ${it.hostname}`, what: 'not known', why: say.unreached(it) })),
    ...report.ignored.map((it) => ({ where: `${it.agent} ${it.hostname}`, what: 'not known', why: `ignored: ${say.unreached(it)}` })),
    ...report.elsewhere.map((it) => ({ where: 'outside the target', what: say.elsewhere(it), why: 'it may belong to the same service' })),
    ...[report.znode].filter((it) => ['failed', 'unknown'].includes(it?.outcome.tag)).map((it) => ({ where: 'ZooKeeper', what: `znode '${it.path}'`, why: say.words(it.outcome) })),
    ...[report.selfRemoval].filter((it) => it?.outcome.tag === 'failed').map((it) => ({ where: 'Marathon', what: `app '${it.app}'`, why: say.words(it.outcome) })),
  ];
  if (rows.length === 0) return section('What is left', h('p', {}, message === undefined ? 'Nothing that this run could see.' : 'The run did not find out.'));
  return section('What is left, and why', table({
    caption: say.count(rows.length, 'item'),
    rows,
    text: ({ where, what, why: reason }) => `${where} ${what} ${reason}`,
    columns: [
      { name: 'Where', cell: ({ where }) => h('code', {}, where) },
      { name: 'What', cell: ({ what }) => what },
      { name: 'Why', cell: ({ why: reason }) => reason },
    ],
  }).element);
}
