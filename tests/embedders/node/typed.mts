// A program that uses every type of the package. It is only compiled.

import { apply, clean, discover, plan, printable, CleanupFailure, ComponentError } from '@janitor/cleanup';
import type { CleanupPlan, Entry, Host, Inventory, Options, Reason, Report, Target } from '@janitor/cleanup';

const target: Partial<Target> = { role: 'kafka-role', principal: 'kafka', znode: 'kafka', marathonApp: '/janitor' };
const options: Partial<Options> = { confirmSeconds: 60, inUse: 'teardown', teardown: ['F-0001'] };
const host: Host = {
  endpoints: { master: 'http://127.0.0.1:5050/master/' },
  token: 'secret',
  fetch: (url, init) => fetch(url, { ...init, keepalive: true }),
  onEvent: ({ level, message, event }: Entry) => event?.tag === 'agent' && console.log(level, message, event.val.found),
  signal: AbortSignal.timeout(60_000),
};

async function all(): Promise<Report> {
  const inventory: Inventory = await discover({}, { fetch });
  const planned: CleanupPlan = await plan(target);
  const since: bigint | undefined = planned.unreached[0]?.since;
  console.log(inventory.roles.length, since);
  if (planned.refusal === undefined) return await apply(planned, options, host);
  return await clean(target, options, host);
}

function reason(error: unknown): Reason | undefined {
  if (error instanceof ComponentError) throw error;
  if (!(error instanceof CleanupFailure)) return undefined;
  const left: Report | undefined = error.report;
  console.log(left?.left?.map(({ agent, volumes }) => printable(`${agent} ${volumes}`)));
  return error.reason;
}

// @ts-expect-error: there is no such field.
const misspelt: Target = { rolle: 'kafka-role' };
// @ts-expect-error: there is no such case.
const unknown: Partial<Options> = { inUse: 'ignore' };
// @ts-expect-error: a master is not among the options.
clean(target, { master: 'http://127.0.0.1:5050/master/' });

export { all, misspelt, reason, unknown };
