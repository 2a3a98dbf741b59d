// The phases of a cleanup, and how far each of them is.

import { fill, h } from './dom.mjs';
import { words } from './words.mjs';

/** Creates the strip of phases; it is empty for a run that starts none. */
export function phases(steps) {
  const events = steps.flatMap(({ kind, entry }, index) => (kind === 'line' && entry.event ? [{ ...entry.event, index }] : []));
  const names = [...new Set(events.flatMap(({ tag, val }) => (tag === 'phase-started' ? [val.phase] : [])))];
  const element = h('ol', { class: 'phases', 'aria-label': 'Phases' });

  /** Describes the state of a phase, after these events. */
  function state(name, past) {
    const find = (tag, matches) => past.findLast((event) => event.tag === tag && matches(event.val));
    const started = find('phase-started', ({ phase }) => phase === name);
    const outcome = find(name, () => true)?.val.outcome;
    if (!started) return ['idle', 'not started'];
    if (outcome) return [['deleted', 'absent', 'removed'].includes(outcome.tag) ? 'good' : 'bad', words(outcome)];
    if (find('confirmed', (phase) => phase === name)) return ['good', 'confirmed by a fresh listing'];
    const results = past.filter(({ tag, val }) => tag === 'agent' && val.phase === name).length;
    const isOver = results >= started.val.total && past.length === events.length;
    return isOver ? ['care', 'not confirmed'] : ['busy', `${results} of ${started.val.total} agents`];
  }

  function update(shown) {
    const past = events.filter(({ index }) => index < shown);
    fill(element, names.map((name) => {
      const [kind, text] = state(name, past);
      return h('li', { class: kind }, h('strong', {}, words(name)), h('span', {}, text));
    }));
  }

  update(steps.length);
  return { element, update };
}
