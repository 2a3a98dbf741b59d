// Lists the roles of a cluster as a file shows it, and makes the plan for any of them.

import { banner, facts, fill, h, section, unique } from './dom.mjs';
import { table } from './table.mjs';
import * as say from './words.mjs';

/** Creates the list of roles of an inventory. `choose`, if it is given, makes the plan for a role. */
export function roles(inventory, choose) {
  const volumes = ({ agents }) => agents.flatMap(({ entries }) => entries).filter(({ volume }) => volume).length;
  const resources = ({ agents }) => agents.reduce((sum, { entries }) => sum + entries.length, 0);
  const view = table({
    caption: say.count(inventory.roles.length, 'role'),
    rows: inventory.roles,
    text: ({ role, principals }) => [role, ...principals].join(' '),
    columns: [
      { name: 'Role', cell: ({ role }) => h('code', {}, role) },
      { name: 'Principals', cell: ({ principals }) => principals.join(', ') || 'none' },
      { name: 'Agents', cell: ({ agents }) => agents.length },
      { name: 'Resources', cell: resources },
      { name: 'Volumes', cell: volumes },
      { name: 'Used by', cell: ({ frameworks }) => (inventory.frameworksUnknown ? 'not known' : frameworks.map(({ name }) => name).join(', ') || 'no framework') },
      ...(choose ? [{ name: 'Plan', cell: ({ role }) => h('button', { type: 'button', 'aria-label': `Make a plan for role ${role}`, onclick: () => choose(role) }, 'Plan') }] : []),
    ],
  });
  return h('div', {},
    facts({ 'Version of Mesos': inventory.mesosVersion ?? 'not known' }),
    view.element,
    inventory.orphanedZnodes?.length > 0 && section('Orphaned znodes', h('ul', {}, inventory.orphanedZnodes.map((it) => h('li', {}, h('code', {}, it))))),
    inventory.unreached.length > 0 && section('Agents that cannot be seen', h('ul', {}, inventory.unreached.map((it) => h('li', {}, say.unreached(it))))),
    inventory.frameworksUnknown && banner('care', 'The frameworks are not known', inventory.frameworksUnknown),
  );
}

/**
 * Creates the list of roles with a form for the target of a plan. `make` makes the view of the plan
 * for a target.
 */
export function planner(inventory, make) {
  const names = h('datalist', { id: unique() }, inventory.roles.map(({ role }) => h('option', { value: role })));
  const role = h('input', { list: names.id, required: true, autocomplete: 'off', spellcheck: 'false', oninput: () => offer() });
  const principal = h('select');
  const result = h('div', { tabindex: '-1', class: 'result' });
  const form = h('form', { class: 'tools', onsubmit: (event) => {
    event.preventDefault();
    return show();
  } }, h('label', {}, 'Role ', role), names, h('label', {}, 'Principal ', principal), h('button', { type: 'submit' }, 'Make a plan'));

  /** Offers the principals of the role. */
  function offer() {
    const holding = inventory.roles.find((it) => it.role === role.value);
    fill(principal, h('option', { value: '' }, 'all'), (holding?.principals ?? []).map((name) => h('option', { value: JSON.stringify(name) }, name)));
  }

  async function show() {
    const made = principal.value ? JSON.parse(principal.value) : undefined;
    fill(result, await make({ role: role.value, principal: made, labels: [], agents: [] }));
    result.focus();
  }

  offer();
  return h('div', {}, roles(inventory, (name) => {
    role.value = name;
    offer();
    return show();
  }), form, result);
}
