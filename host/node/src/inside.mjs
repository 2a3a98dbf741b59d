// The worker of worker.mjs. Its imports pass everything to the thread that started it, and sleep
// until that thread has an answer.

import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { instantiate } from './component/blocking.js';
import { named } from './component.mjs';

const { call, args, modules, bell, window } = workerData;
const began = performance.now();

/** Calls a function of the other thread, and waits for its result. */
function ask(name, ...args) {
  parentPort.postMessage({ name, args });
  for (;;) {
    const rung = Atomics.load(bell, 0);
    const received = receiveMessageOnPort(parentPort);
    if (received) return result(received.message);
    Atomics.wait(bell, 0, rung);
  }
}

function result(message) {
  if ('error' in message) throw message.error;
  return message.value;
}

/** Calls a function of the other thread that has no result. */
function note(name, ...args) {
  parentPort.postMessage({ note: name, args });
}

class Exchange {
  constructor(number) {
    this.number = number;
  }

  static finish({ number }) {
    return new Response(number, ask('finish', number));
  }
}

class Response {
  constructor(number, { status, pieces, isWhole }) {
    Object.assign(this, { number, answered: status, pieces, isWhole });
  }

  status() {
    return this.answered;
  }

  read(limit) {
    const [piece] = this.pieces;
    if (piece === undefined) return this.isWhole ? new Uint8Array() : ask('read', this.number, limit);
    if (piece.length > limit) this.pieces[0] = piece.subarray(limit);
    else this.pieces.shift();
    return piece.subarray(0, limit);
  }

  [Symbol.dispose ?? Symbol.for('dispose')]() {
    note('drop', this.number);
  }
}

const cluster = {
  Exchange,
  Response,
  send: (request) => new Exchange(ask('send', request)),
  window: () => window,
  pause: (milliseconds) => ask('pause', milliseconds),
  elapsed: () => BigInt(Math.floor(performance.now() - began)),
};
const log = { write: (entry) => note('write', entry) };

try {
  const { cleanup } = instantiate((name) => modules[name], named({ cluster, log }));
  parentPort.postMessage({ result: cleanup[call](...args) });
} catch (failure) {
  parentPort.postMessage({ failure });
}
