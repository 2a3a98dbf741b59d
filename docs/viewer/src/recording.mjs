// Answers a run from a recording, as `host/transport/src/recording/read.rs` does.

import { check, complete, completeCall, decode } from './contract.mjs';
import { urls } from './urls.mjs';

/** Reads a recording. Its errors say why the file cannot be replayed. */
export function readRecording({ log }) {
  const { creator, _janitor: run, entries } = log;
  const made = `${creator?.name} ${creator?.version}`;
  if (!run) throw new Error(`The file was recorded by ${made}, not by janitor.`);
  const refused = (why) => new Error(`The recording cannot be replayed: ${why}. It was made by ${made}.`);
  if (run.schema_version !== 1) throw refused(`its schema_version is ${run.schema_version ?? 'missing'}, and this page reads 1`);
  if (run.window === 0) throw refused('its window is 0');
  let read;
  try {
    read = decode('Run', { ...run, options: complete('Options', run.options), call: completeCall(run.call) });
    entries.forEach((entry) => check('Entry', entry));
  } catch ({ message }) {
    throw refused(message);
  }
  // The options about ZooKeeper follow from the endpoints.
  const ensemble = read.endpoints.exhibitor.trim().match(/^zk:\/\/[^/]*\/*(.*?)\/*$/);
  Object.assign(read.options, { zookeeper: ensemble !== null, znodeRoot: ensemble?.[1] || undefined });
  return { ...read, entries, made };
}

/** The exchanges and the clock of a recorded run, which are played once. */
export class Replay {
  constructor({ entries, elapsed, endpoints }) {
    this.url = urls(endpoints);
    this.entries = entries;
    this.isUsed = entries.map(() => false);
    this.recorded = elapsed;
    this.reads = 0;
    this.now = 0n;
    this.misses = [];
    // The exchanges with the same request, in their order.
    this.same = new Map();
    entries.forEach((entry, index) => {
      const name = identity(requestOf(entry));
      if (!this.same.has(name)) this.same.set(name, []);
      this.same.get(name).push(index);
    });
  }

  /** Returns the answer of the first unused exchange with this request, which gets its times. */
  answer(request) {
    const index = this.same.get(identity(request))?.shift();
    if (index !== undefined) {
      this.isUsed[index] = true;
      const { startedDateTime, time } = this.entries[index];
      Object.assign(request, { started: Date.parse(startedDateTime), time });
      return recorded(this.entries[index]);
    }
    const nearest = this.nearest(request);
    const miss = `the recording has no ${brief(request)}${nearest ? `; the nearest is ${nearest}` : ', and no exchange at all'}`;
    this.misses.push(miss);
    return { error: { tag: 'internal', val: miss } };
  }

  pause(milliseconds) {
    this.now += BigInt(milliseconds);
  }

  elapsed() {
    this.now = this.recorded?.[this.reads] ?? this.now;
    this.reads += 1;
    return this.now;
  }

  /** Lists the differences between this run and the recorded one. */
  deviations() {
    const unused = this.entries.flatMap((entry, index) => (this.isUsed[index] ? [] : [`exchange ${index + 1} was not requested: ${brief(requestOf(entry))}`]));
    const times = this.recorded?.length ?? this.reads;
    const clock = `the clock was read ${this.reads} times, and ${times} times in the recorded run`;
    return [...this.misses, ...unused, ...(times === this.reads ? [] : [clock])];
  }

  /** Describes the exchange that has most in common with a request. */
  nearest(request) {
    const likeness = (index) => {
      const other = requestOf(this.entries[index]);
      return 4 * (other.url === request.url) + 2 * (other.method === request.method) + !this.isUsed[index];
    };
    if (this.entries.length === 0) return undefined;
    const best = this.entries.reduce((best, _, index) => (likeness(index) > likeness(best) ? index : best), 0);
    const other = requestOf(this.entries[best]);
    let how = 'at another URL';
    if (identity(other) === identity(request)) how = 'which has been played already';
    else if (other.url === request.url && other.method === request.method) how = `with another body: ${other.content?.text ?? 'none'}`;
    else if (other.url === request.url) how = 'with another method';
    return `exchange ${best + 1}, ${brief(other)}, ${how}`;
  }
}

/** The state of a cluster as far as a file shows it: the first answer to each request. */
export class Snapshot {
  constructor({ entries, endpoints }) {
    this.url = urls(endpoints);
    this.now = 0n;
    this.answers = new Map();
    // The requests that the file does not answer, each once.
    this.missing = new Set();
    for (const entry of entries) {
      const name = identity(requestOf(entry));
      if (!this.answers.has(name)) this.answers.set(name, recorded(entry));
    }
  }

  answer(request) {
    const answer = this.answers.get(identity(request));
    if (answer) return answer;
    this.missing.add(brief(request));
    return { error: { tag: 'internal', val: 'the file does not contain it' } };
  }

  pause(milliseconds) {
    this.now += BigInt(milliseconds);
  }

  elapsed() {
    return this.now;
  }
}

/** Returns the part of a recorded exchange that identifies its request. */
function requestOf({ request: { method, url, postData } }) {
  return { method, url, content: postData && { mediaType: postData.mimeType, text: postData.text } };
}

function identity({ method, url, content }) {
  return JSON.stringify([method, url, content?.mediaType, content?.text]);
}

function brief({ method, url, content }) {
  return content ? `${method} ${url} with ${content.text}` : `${method} ${url}`;
}

/** Returns the answer of a recorded exchange: its status and body, and the error that ends it. */
function recorded({ response: { status, content }, _error: error }) {
  const end = error && decode('Error', error);
  if (status === 0) return { error: end ?? { tag: 'internal', val: 'the recording has no answer to this request' } };
  if (content.encoding === undefined) return { status, body: new TextEncoder().encode(content.text ?? ''), error: end };
  if (content.encoding !== 'base64') return { error: { tag: 'internal', val: `the recording is damaged: unknown encoding ${content.encoding}` } };
  try {
    return { status, body: Uint8Array.from(atob(content.text ?? ''), (c) => c.charCodeAt(0)), error: end };
  } catch ({ message }) {
    return { error: { tag: 'internal', val: `the recording is damaged: ${message}` } };
  }
}
