// Shows a run and its result. The page of a report and the page that opens files share it.

import { banner, facts, h, section } from './dom.mjs';
import { left } from './left.mjs';
import { planView } from './plan.mjs';
import { player } from './player.mjs';
import { roles } from './roles.mjs';
import { timeline } from './timeline.mjs';
import * as say from './words.mjs';

/**
 * Creates the parts about a run. `ran` has its `steps`, and `done`, `failure` or `fault`; `about` has
 * the facts about its recording, `deviations` what a replay did differently, and `picture` the view of
 * the sandbox, if the run took place in this page. A run for several targets has `parts`, each with
 * its `target`, and `done` or `failure`.
 */
export function recordingView({ call, target, options, ran, parts, about, deviations, plan, picture }) {
  const { done, failure, fault, steps } = ran;
  const report = parts ? undefined : reportOf(call, ran);
  return [
    parts ? verdictOnAll(parts) : verdict(ran, call),
    deviations.length > 0 && banner('bad', 'This run differs from the recorded one.', h('ul', {}, deviations.map((it) => h('li', {}, it)))),
    facts({ Call: `${call}${target ? ` ${say.target(target)}` : ''}`, Options: say.options(options), ...about }),
    left(report, failure?.message ?? fault),
    timeline(steps),
    player(steps, { left: report?.left, picture, hosts: new Map(plan?.agents.map((it) => [it.agent, it.hostname])) }),
    plan && section(call === 'clean' ? 'Plan, from what the recording contains' : 'Plan', planView(plan, options)),
    parts?.map((part) => section(capital(say.target(part.target)), partView(call, part, options))),
    call === 'discover' && done && section('Reserved resources', roles(done)),
  ];
}

/** Returns the report of a cleanup. */
function reportOf(call, { done, failure }) {
  return ['clean', 'apply'].includes(call.replace('-all', '')) ? (done ?? failure?.report) : undefined;
}

/** Creates the parts about one of several targets. */
function partView(call, part, options) {
  return [
    verdict(part, call.replace('-all', '')),
    left(reportOf(call, part), part.failure?.message),
    call.startsWith('plan') && part.done && planView(part.done, options),
  ];
}

/** Creates the message about the end of a run for several targets. */
function verdictOnAll(parts) {
  const failed = parts.filter(({ failure }) => failure).length;
  const targets = say.count(parts.length, 'target');
  return failed === 0
    ? banner('good', `Completed for ${targets}.`)
    : banner('bad', `Not complete for ${failed} of ${targets}.`);
}

const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);

/** Creates the message about the end of a run. */
export function verdict({ done, failure, fault }, call) {
  if (fault !== undefined) return banner('bad', 'The component broke its contract. ', fault);
  if (failure) return banner('bad', `Not complete: ${say.words(failure.reason)}. `, failure.message);
  const what = { plan: 'The plan was made.', discover: 'The reserved resources were listed.' };
  return banner('good', what[call] ?? 'The cleanup completed.', done.ignored?.length > 0 && ` Ignored: ${say.count(done.ignored.length, 'agent')}.`);
}

/** Creates the parts about a plan file. `about` has the facts about the file. */
export function planFileView({ plan, plans, options, endpoints, made }, about) {
  const what = plan ? 'This is the plan in the file. ' : `The file has ${say.count(plans.length, 'plan')}. `;
  return [
    banner('note', what, 'janitor apply refuses it if the cluster has changed since.'),
    facts({ Servers: Object.values(endpoints).join(' '), Made: made && `${made.time} by janitor ${made.version}`, Command: made?.command, ...about }),
    plan && planView(plan, options),
    plans?.map((it) => section(capital(say.target(it.target)), planView(it, options))),
  ];
}
