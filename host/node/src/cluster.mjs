// This sends the component's requests: it implements the import `cluster`, with promises.

import { ComponentError, caseOf } from './errors.mjs';

/** The most exchanges that are in flight. */
const WINDOW = 32;

/** The longest waits for the headers of a response and for a part of its body, and for all of it. */
const ANSWER = 60_000;
const BODY = 10 * 60_000;

/** The longest run: it is cancelled then. A run that is cancelled is given up after some time. */
const RUN = 60 * 60_000;
const GRACE = 130_000;

/** The longest time that a timer can wait for. It treats a longer one as none. */
const TIMER = 2 ** 31 - 1;

/** The most bytes of a body that are read, and the most that are discarded to keep a connection. */
const LARGEST = 1 << 30;
const REST = 1 << 16;

const dispose = Symbol.dispose ?? Symbol.for('dispose');

/** The servers of a cluster during one run. */
export class Cluster {
  #settings;
  #began = performance.now();
  /** The exchanges and responses that occupy the window. */
  #places = 0;
  /** The controllers of the requests that are not over. */
  #open = new Set();
  #stop = new AbortController();
  #cancel = () => {
    if (this.#stop.signal.aborted) return;
    this.#stop.abort();
    const late = new ComponentError('the run did not end after it was cancelled');
    this.#timers.push(setTimeout(() => this.fail(late), GRACE));
  };
  #timers = [setTimeout(this.#cancel, RUN)];
  #fault;
  #reject;

  /** A promise that is rejected if the host or the component is at fault, which ends the run. */
  failed = new Promise((_, reject) => (this.#reject = reject));

  constructor(settings) {
    this.#settings = settings;
    this.failed.catch(() => {});
    settings.signal?.addEventListener('abort', this.#cancel);
    if (settings.signal?.aborted) this.#cancel();
  }

  /** Ends the run with an error. The component is not allowed to send anything more. */
  fail(error) {
    if (this.#fault) return;
    this.#fault = { error };
    this.#reject(error);
    this.#end();
  }

  /** Returns whether this error ended the run. */
  isFault(error) {
    return this.#fault !== undefined && this.#fault.error === error;
  }

  /** Ends everything that is not over. */
  close() {
    this.#fault ??= { error: new ComponentError('the run is over') };
    this.#settings.signal?.removeEventListener('abort', this.#cancel);
    this.#end();
    this.#timers.forEach(clearTimeout);
  }

  #end() {
    this.#cancel();
    for (const controller of this.#open) controller.abort();
  }

  /** Returns the functions and resources of the import. */
  imports() {
    return {
      Exchange,
      Response,
      send: (request) => this.#send(request),
      window: () => WINDOW,
      pause: (milliseconds) => this.#pause(milliseconds),
      elapsed: () => BigInt(Math.floor(performance.now() - this.#began)),
    };
  }

  #send(request) {
    if (this.#fault) throw { tag: 'denied', val: 'the run is over' };
    if (this.#places >= WINDOW) {
      this.fail(new ComponentError(`the component sent more than ${WINDOW} requests at once`));
      throw { tag: 'denied', val: `more than ${WINDOW} exchanges in flight` };
    }
    if (this.#stop.signal.aborted && request.method !== 'get') throw { tag: 'stopped' };
    this.#places += 1;
    return new Exchange(this.#exchange(request));
  }

  async #exchange(request) {
    const controller = new AbortController();
    this.#open.add(controller);
    const over = () => this.#open.delete(controller);
    const free = () => (this.#places -= 1);
    try {
      const { bases, authorization, send } = this.#settings;
      const { url, init } = message(bases[request.endpoint], request, authorization);
      const answer = send(url, { ...init, signal: controller.signal });
      const response = await within(ANSWER, answer, controller);
      return new Response(status(response), body(url, response), controller, this.#explain, free, over);
    } catch (error) {
      over();
      free();
      throw this.#explain(error);
    }
  }

  /** Returns the contract's case for an error. Any other error is the user's, and ends the run. */
  #explain = (error) => {
    const known = this.#fault ? undefined : caseOf(error);
    if (!known) this.fail(error);
    return known ?? { tag: 'internal', val: 'the run is over' };
  };

  async #pause(milliseconds) {
    const { signal } = this.#stop;
    // Nobody waits any more for a component that pauses after its run.
    if (this.#fault) return new Promise(() => {});
    await new Promise((resolve) => {
      const end = () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', end);
        resolve();
      };
      // Even if the run is cancelled, the other tasks of this thread have their turn.
      const timer = setTimeout(end, signal.aborted ? 0 : Math.min(milliseconds, TIMER));
      signal.addEventListener('abort', end);
    });
    return !signal.aborted;
  }
}

/** A request in flight. */
class Exchange {
  #response;

  constructor(response) {
    this.#response = response;
    // An exchange may never be finished.
    response.catch(() => {});
  }

  static finish(exchange) {
    return exchange.#response;
  }
}

/** A response, whose body is read when the component reads it. */
class Response {
  #status;
  #body;
  #controller;
  #explain;
  #free;
  #over;
  #piece = new Uint8Array();
  #rest = LARGEST;
  #end = performance.now() + BODY;
  #isOver = false;
  #error;

  constructor(status, body, controller, explain, free, over) {
    this.#status = status;
    this.#body = body;
    this.#controller = controller;
    this.#explain = explain;
    this.#free = free;
    this.#over = over;
  }

  status() {
    return this.#status;
  }

  async read(limit) {
    if (this.#error) throw this.#error;
    try {
      while (this.#piece.length === 0 && (await this.#next()));
    } catch (error) {
      throw (this.#error = this.#explain(error));
    }
    const piece = this.#piece.subarray(0, limit);
    this.#piece = this.#piece.subarray(limit);
    return piece;
  }

  /** Waits for the next piece of the body, and returns whether there is one. */
  async #next() {
    const time = Math.min(ANSWER, this.#end - performance.now());
    const { done, value } = await within(time, this.#body.next(), this.#controller);
    if (done) {
      this.#isOver = true;
      this.#over();
      return false;
    }
    if (!(value instanceof Uint8Array)) throw new TypeError('a part of the body of a response is not a Uint8Array');
    this.#piece = value;
    this.#rest -= value.length;
    if (this.#rest < 0) throw { tag: 'too-large', val: BigInt(LARGEST) };
    return true;
  }

  [dispose]() {
    this.#free();
    this.#discard().catch(() => {}).finally(() => {
      this.#over();
      if (this.#isOver) return;
      this.#controller.abort();
      // The function that sent the request may not know the signal.
      this.#body.return?.()?.catch?.(() => {});
    });
  }

  /** Reads the rest of a short body, so that its connection can be used again. */
  async #discard() {
    this.#rest = Math.min(this.#rest, REST);
    while (!this.#error && !this.#isOver && (await this.#next()));
  }
}

/** Waits for a promise; after some time, ends the exchange. */
async function within(milliseconds, promise, controller) {
  let timer;
  const expired = new Promise((_, reject) => {
    timer = setTimeout(() => {
      reject({ tag: 'timeout' });
      controller.abort();
    }, milliseconds);
  });
  try {
    return await Promise.race([promise, expired]);
  } finally {
    clearTimeout(timer);
  }
}

/** Returns the URL of a request, and the rest of it. */
function message(base, { method, path, query, content }, authorization) {
  const parts = query.map((pair) => pair.map(encode).join('=')).join('&');
  const url = base + path.map(encode).join('/') + (parts && `?${parts}`);
  const headers = {
    ...(content && { 'Content-Type': content.mediaType }),
    ...(authorization && { Authorization: authorization }),
  };
  const init = { method: method.toUpperCase(), headers, body: content?.bytes, redirect: 'manual', credentials: 'omit', cache: 'no-store' };
  return { url, init };
}

/** Percent-encodes everything except RFC 3986's unreserved characters and parentheses. */
function encode(text) {
  return encodeURIComponent(text).replace(/[!'*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
}

/** Returns the status of a response, if the contract has it. */
function status(response) {
  // A browser hides a redirect that it does not follow.
  if (response.type === 'opaqueredirect') throw { tag: 'internal', val: 'it redirects to another server' };
  const { status } = response;
  if (Number.isInteger(status) && status >= 200 && status <= 599) return status;
  throw { tag: 'protocol', val: `its status is ${status}, not one of 200 to 599` };
}

/** Returns the body of a response as an iterator. A description of a redirect replaces its body. */
function body(url, response) {
  const location = response.status >= 300 && response.status < 400 ? response.headers.get('location') : null;
  if (location === null || !URL.canParse(location, url)) return (response.body ?? text(''))[Symbol.asyncIterator]();
  const { origin, pathname } = new URL(location, url);
  return text(`redirects to ${origin}${pathname}`);
}

async function* text(words) {
  yield new TextEncoder().encode(words);
}
