// This runs the component where WebAssembly cannot wait for a promise: in a worker of Node, which
// sleeps while this thread carries out a call of the component.

import { Worker } from 'node:worker_threads';
import { CORES } from './generated.mjs';
import { ComponentError } from './errors.mjs';
import { core } from './component.mjs';

/** Calls a function of a new instance. The imports that wait return promises. */
export async function run(call, args, { cluster, log }, ended) {
  const cores = Object.entries(CORES.blocking).map(async ([name, file]) => [name, await core(file)]);
  const modules = Object.fromEntries(await Promise.all(cores));
  const bell = new Int32Array(new SharedArrayBuffer(4));
  const workerData = { call, args, modules, bell, window: cluster.window() };
  const worker = new Worker(new URL('inside.mjs', import.meta.url), { workerData, execArgv: [] });
  const functions = remote(cluster, log);
  const answer = async ({ name, args }) => {
    let reply;
    try {
      reply = { value: await functions[name](...args) };
    } catch (error) {
      reply = { error };
    }
    worker.postMessage(reply);
    Atomics.add(bell, 0, 1);
    Atomics.notify(bell, 0);
  };
  try {
    return await new Promise((resolve, reject) => {
      ended.addEventListener('abort', () => reject(new ComponentError('the run is over')));
      worker.on('error', reject);
      worker.on('exit', () => reject(new ComponentError('the worker of the component ended')));
      worker.on('message', (message) => {
        if (message.note) functions[message.note](...message.args);
        else if (message.name) answer(message).catch(reject);
        else if ('failure' in message) reject(message.failure);
        else resolve(message.result);
      });
    });
  } finally {
    await worker.terminate();
  }
}

/** The functions that the worker calls. It names exchanges and responses by numbers. */
function remote(cluster, log) {
  const held = new Map();
  let number = 0;
  return {
    write: (entry) => log.write(entry),
    pause: (milliseconds) => cluster.pause(milliseconds),
    send(request) {
      const exchange = cluster.send(request);
      number += 1;
      held.set(number, exchange);
      return number;
    },
    async finish(number) {
      const exchange = held.get(number);
      held.delete(number);
      const response = await cluster.Exchange.finish(exchange);
      held.set(number, response);
      return { status: response.status(), ...(await beginning(response)) };
    },
    // A copy, because a message contains the whole buffer behind its bytes.
    read: async (number, limit) => (await held.get(number).read(limit)).slice(),
    drop(number) {
      held.get(number)[Symbol.dispose ?? Symbol.for('dispose')]();
      held.delete(number);
    },
  };
}

/** Reads a short body as a whole, so that it arrives together with the status. */
async function beginning(response) {
  const SHORT = 4096;
  const pieces = [];
  for (let length = 0; length < SHORT; ) {
    try {
      const piece = await response.read(SHORT - length);
      if (piece.length === 0) return { pieces, isWhole: true };
      pieces.push(piece.slice());
      length += piece.length;
    } catch {
      // The next read returns the error again.
      break;
    }
  }
  return { pieces, isWhole: false };
}
