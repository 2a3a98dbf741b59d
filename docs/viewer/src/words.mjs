// Describes values of the contract for people. A case that is not described here is shown by its
// name.

/** Describes a case: `not-active` is "not active", and a value follows after a colon. */
export function words(value) {
  if (value === undefined) return '';
  if (typeof value !== 'object') return String(value).replaceAll('-', ' ');
  const { tag, val } = value;
  if (val === undefined) return words(tag);
  return `${words(tag)}: ${typeof val === 'object' ? Object.values(val).join(' ') : val}`;
}

/** Returns a number with its noun: "1 agent", "2 agents". */
export function count(number, noun) {
  return `${number.toLocaleString('en')} ${noun}${Number(number) === 1 ? '' : 's'}`;
}

/** Describes a target in one line. */
export function target(it) {
  const labels = it.labels.map(({ key, value }) => ['label', value === undefined ? key : `${key}=${value}`]);
  const agents = it.agents.map((agent) => ['agent', agent]);
  const names = [['role', it.role], ['principal', it.principal], ...labels, ['framework', it.frameworkId], ...agents, ['znode', it.znode], ['app', it.marathonApp]];
  return names.flatMap(([name, value]) => (value === undefined ? [] : [`${name} '${value}'`])).join(', ') || 'nothing';
}

/** Describes the options that differ from those of a run without any. */
export function options({ confirmSeconds, waitSeconds, inUse, ...others }) {
  const lists = Object.entries(others).flatMap(([name, value]) => {
    if (value === false || value === undefined || value.length === 0) return [];
    const title = name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
    return value === true ? [title] : [`${title}: ${[value].flat().join(', ')}`];
  });
  const use = inUse === 'refuse' ? [] : [`a role in use: ${words(inUse)}`];
  const patience = waitSeconds > 0 ? [`waits up to ${waitSeconds} s for conditions that pass`] : [];
  return [...use, ...lists, ...patience, `waits up to ${confirmSeconds} s for a confirmation`].join('; ');
}

/** Describes the result of a phase on an agent. */
export function result({ found, skipped, outcome }) {
  const kept = skipped.map(({ reason, count: number }) => `${number} kept (${words(reason)})`);
  const what = found > 0 ? [`${found} found`] : [];
  return [...what, OUTCOMES[outcome.tag]?.(outcome.val) ?? words(outcome), ...kept].join(', ');
}

const OUTCOMES = {
  unreserved: () => 'nothing reserved',
  'other-roles': (roles) => `only other roles: ${roles.join(', ')}`,
  accepted: (status) => `removal accepted (${status})`,
  refused: ({ status, body }) => `refused (${status}): ${body}`,
  failed: (why) => `failed: ${why}`,
};

/** Describes a reserved resource. */
export function resource({ name, amount, disk, labels, dynamic }) {
  const value = AMOUNTS[amount.tag]?.(amount.val) ?? words(amount);
  const rest = [disk, ...labels.map(({ key, value: label }) => (label === undefined ? key : `${key}=${label}`))];
  return [`${name} ${value}`, dynamic ? undefined : 'static', ...rest].filter((it) => it !== undefined).join(', ');
}

const AMOUNTS = {
  scalar: String,
  ranges: (ranges) => ranges.map((range) => range.join('-')).join(', '),
  items: (items) => items.join(', '),
};

/** Describes the fate of a volume or of a reservation. */
export function fate(it) {
  return it.tag === 'stays' ? `stays (${words(it.val)})` : words(it);
}

/** Describes a framework. */
export function framework({ id, name, active, roles, tasks }) {
  return `${name} (${id}): ${active ? 'active' : 'not active'}, roles ${roles.join(', ') || 'none'}, ${count(tasks, 'task')}`;
}

/** Describes an agent that may hold resources that cannot be seen or removed. */
export function unreached({ agent, hostname, reason, since }) {
  const time = since === undefined ? '' : `, since ${new Date(Number(since) * 1000).toISOString()}`;
  return `${[agent, hostname].filter(Boolean).join(' on ')}: ${words(reason)}${time}`;
}

/** Describes resources outside the target's role. */
export function elsewhere({ role, principal, resources, agents }) {
  const who = principal === undefined ? '' : ` of principal '${principal}'`;
  return `role '${role}': ${count(resources, 'resource')}${who} on ${count(agents, 'agent')}`;
}
