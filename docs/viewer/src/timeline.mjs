// The requests of a run over time, in one lane for each phase.

import { h, section, svg } from './dom.mjs';
import { count, words } from './words.mjs';

const BINS = 240;
const LANE = 46;
const LEFT = 130;
const WIDTH = 1000;

/** Creates the timeline of a run's steps. It is empty if the times of the requests are not known. */
export function timeline(steps) {
  const lanes = lanesOf(steps);
  const all = lanes.flatMap(({ exchanges }) => exchanges);
  if (all.length === 0) return undefined;
  const begin = all.reduce((least, { started }) => Math.min(least, started), Infinity);
  const end = all.reduce((most, { started, time }) => Math.max(most, started + time), begin);
  const length = Math.max(end - begin, 1);
  const bin = (time) => Math.min(BINS - 1, Math.max(0, Math.floor(((time - begin) / length) * BINS)));
  const drawn = lanes.map((lane) => ({ ...lane, ...inFlight(lane.exchanges, bin) }));
  const most = drawn.reduce((most, { flying }) => flying.reduce((a, b) => Math.max(a, b), most), 1);
  const step = (WIDTH - LEFT) / BINS;
  const picture = svg('svg', { viewBox: `0 0 ${WIDTH} ${drawn.length * LANE + 24}`, role: 'img', 'aria-label': `Requests in flight over ${seconds(length)}; the table below has the numbers` },
    drawn.flatMap(({ name, flying, failed }, lane) => {
      const base = (lane + 1) * LANE - 8;
      const bars = flying.flatMap((number, index) => (number === 0 ? [] : [
        svg('rect', { class: 'flying', x: LEFT + index * step, y: base - (number / most) * (LANE - 14), width: step, height: (number / most) * (LANE - 14) }, svg('title', {}, `${count(number, 'request')} in flight`)),
      ]));
      const marks = failed.flatMap((number, index) => (number === 0 ? [] : [
        svg('text', { class: 'failed', x: LEFT + index * step, y: base + 7 }, svg('title', {}, `${number} failed`), '×'),
      ]));
      return [svg('text', { x: 0, y: base }, words(name)), svg('line', { x1: LEFT, x2: WIDTH, y1: base, y2: base }), ...bars, ...marks];
    }),
    [0, 0.5, 1].map((part) => svg('text', { x: LEFT + part * (WIDTH - LEFT), y: drawn.length * LANE + 18, 'text-anchor': ['start', 'middle', 'end'][part * 2] }, seconds(part * length))),
  );
  const row = ({ name, exchanges, failed }) => {
    const first = exchanges.reduce((least, { started }) => Math.min(least, started), Infinity);
    const last = exchanges.reduce((most, { started, time }) => Math.max(most, started + time), first);
    const longest = exchanges.reduce((most, { time }) => Math.max(most, time), 0);
    const cells = [exchanges.length.toLocaleString('en'), `${seconds(first - begin)} to ${seconds(last - begin)}`, `${Math.round(longest)} ms`, failed.reduce((a, b) => a + b, 0)];
    return h('tr', {}, h('th', { scope: 'row' }, words(name)), cells.map((text) => h('td', {}, text)));
  };
  const heads = ['Phase', 'Requests', 'From the first request', 'Longest', 'Failed (×)'];
  return section('Requests over time', h('figure', { class: 'timeline' }, picture), h('div', { class: 'scroll' }, h('table', {},
    h('caption', {}, `${count(all.length, 'request')} in ${seconds(length)}, by phase`),
    h('thead', {}, h('tr', {}, heads.map((name) => h('th', { scope: 'col' }, name)))),
    h('tbody', {}, drawn.map(row)))));
}

/** Divides the requests by the phase in which they were sent. Those before the first phase check. */
function lanesOf(steps) {
  const lanes = new Map();
  let phase = 'checks';
  for (const { kind, entry, exchange } of steps) {
    if (kind === 'line' && entry.event?.tag === 'phase-started') phase = entry.event.val.phase;
    if (kind !== 'request' || !Number.isFinite(exchange.started)) continue;
    if (!lanes.has(phase)) lanes.set(phase, []);
    lanes.get(phase).push(exchange);
  }
  return [...lanes].map(([name, exchanges]) => ({ name, exchanges }));
}

/** Counts the requests that are in flight in each part of the time, and those that fail there. */
function inFlight(exchanges, bin) {
  const changes = new Array(BINS + 1).fill(0);
  const failed = new Array(BINS).fill(0);
  for (const { started, time, status, error } of exchanges) {
    changes[bin(started)] += 1;
    changes[bin(started + time) + 1] -= 1;
    if (error !== undefined || !(status >= 200 && status < 300)) failed[bin(started + time)] += 1;
  }
  let number = 0;
  const flying = changes.slice(0, BINS).map((change) => (number += change));
  return { flying, failed };
}

function seconds(milliseconds) {
  if (milliseconds < 1000) return `${Math.round(milliseconds)} ms`;
  return `${(milliseconds / 1000).toFixed(milliseconds < 10_000 ? 2 : 0)} s`;
}
