// Shows a run line by line: the log, the requests, the phases and the agents.

import { agents } from './agents.mjs';
import { fill, h, section } from './dom.mjs';
import { phases } from './phases.mjs';
import { count, words } from './words.mjs';

/** The most lines, and the most requests, that are in the document. */
const MOST = 200;
/** The time between two lines, in milliseconds, while the run plays. */
const BEAT = 350;

/**
 * Creates the view of a run's steps. `left` has what is left according to its report, and `picture` is a
 * view of the steps above the log, if there is one. `hosts` has the host names of agents, by their ids.
 */
export function player(steps, { left, picture, hosts }) {
  const lines = steps.flatMap(({ kind, entry }, index) => (kind === 'line' ? [{ entry, index }] : []));
  const exchanges = steps.flatMap(({ kind, exchange }) => (kind === 'request' ? [exchange] : []));
  const stops = lines.filter(({ entry }) => entry.level !== 'debug');
  let position = stops.length;
  let timer;

  const progress = phases(steps);
  const table = agents(steps, left, hosts);
  const log = h('ol', { class: 'log', tabindex: '0', 'aria-label': 'Log' });
  const requests = h('ol', { class: 'requests', tabindex: '0', 'aria-label': 'Requests' });
  const spoken = h('p', { class: 'spoken', 'aria-live': 'polite' });
  const place = h('output', { class: 'place' });
  const slider = h('input', { type: 'range', min: '0', max: String(stops.length), 'aria-label': 'Line', oninput: () => move(Number(slider.value)) });
  const button = (name, title, onclick) => h('button', { type: 'button', title, onclick }, name);
  const first = button('First', 'Before the first line', () => move(0));
  const back = button('Back', 'One line back', () => move(position - 1));
  const play = button('Play', 'Play the run line by line', () => (timer ? stop() : start()));
  const next = button('Forward', 'One line forward', () => move(position + 1));
  const agent = button('Next agent', 'Forward to the next result of an agent', () => move(nextAgent()));
  const last = button('Last', 'After the last line', () => move(stops.length));

  /** Shows the run until this line. */
  function show(to) {
    const before = position;
    position = Math.min(Math.max(to, 0), stops.length);
    const shown = position === stops.length ? steps.length : (stops[position - 1]?.index ?? -1) + 1;
    const since = position === 0 ? 0 : (stops[position - 2]?.index ?? -1) + 1;
    fillLog(shown);
    fillRequests(shown, since);
    picture?.update(shown);
    progress.update(shown);
    table.update(shown, since);
    // Before the first frame, the lists have no height.
    requestAnimationFrame(() => [log, requests].forEach((list) => (list.scrollTop = list.scrollHeight)));
    slider.value = String(position);
    slider.setAttribute('aria-valuetext', `line ${position} of ${stops.length}`);
    fill(place, `Line ${position} of ${stops.length}`);
    first.disabled = back.disabled = position === 0;
    last.disabled = next.disabled = position === stops.length;
    agent.disabled = nextAgent() === undefined;
    if (before !== position && !timer) fill(spoken, stops[position - 1]?.entry.message || 'Empty line');
  }

  function move(to) {
    stop();
    if (to !== undefined) show(to);
  }

  function nextAgent() {
    const found = stops.findIndex(({ entry }, index) => index >= position && entry.event?.tag === 'agent');
    return found === -1 ? undefined : found + 1;
  }

  function start() {
    timer = setInterval(() => (element.isConnected && position < stops.length ? show(position + 1) : stop()), BEAT);
    fill(play, 'Pause');
    show(position === stops.length ? 0 : position);
  }

  function stop() {
    clearInterval(timer);
    timer = undefined;
    fill(play, 'Play');
  }

  function fillLog(shown) {
    const until = stops.slice(0, position);
    const visible = until.slice(-MOST);
    fill(log, earlier(until.length - visible.length, 'line'), visible.map(({ entry }, index) => {
      const isCurrent = index === visible.length - 1;
      return h('li', { class: `${entry.level}${isCurrent ? ' current' : ''}`, 'aria-current': isCurrent && 'step' }, entry.level === 'info' ? undefined : h('b', {}, `${entry.level} `), entry.message);
    }));
  }

  function fillRequests(shown, since) {
    const until = exchanges.filter(({ sent }) => sent < shown);
    const visible = until.slice(-MOST);
    fill(requests, earlier(until.length - visible.length, 'request'), visible.map((exchange) => {
      const isNew = exchange.sent >= since || (exchange.answered >= since && exchange.answered < shown);
      return h('li', { class: isNew ? 'current' : '' }, request(exchange, shown));
    }));
  }

  const element = h('div', { class: 'player' },
    picture?.element,
    progress.element,
    h('div', { class: 'tools', role: 'group', 'aria-label': 'Steps' }, first, back, play, next, agent, last, slider, place),
    spoken,
    h('div', { class: 'panes' }, section('Log', log), section('Requests', requests)),
    table.element,
  );
  show(position);
  return element;
}

function earlier(number, noun) {
  return number > 0 && h('li', { class: 'earlier' }, `${count(number, `earlier ${noun}`)} not shown: move back to see them`);
}

/** Creates the item of an exchange, with the beginnings of both bodies. */
function request(exchange, shown) {
  const { method, url, content, answered, status, error, bytes, excerpt } = exchange;
  const isOver = answered < shown;
  const answer = !isOver ? 'in flight' : status === undefined ? words(error) : `${status}${error ? `, then ${words(error)}` : ''}`;
  const kind = !isOver ? 'flight' : status >= 200 && status < 300 && !error ? 'good' : 'bad';
  const line = [h('b', {}, method), h('span', { class: 'url' }, url), h('span', { class: `status ${kind}` }, answer)];
  const begins = (title, text) => text && h('p', {}, title, h('code', {}, text));
  return h('details', {}, h('summary', {}, ...line),
    begins('Content: ', content?.text.slice(0, 4000)),
    begins(`Answer (${count(bytes, 'byte')} read): `, isOver && excerpt?.()));
}
