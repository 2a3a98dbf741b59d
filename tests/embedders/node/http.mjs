// This implements the component's import `cluster`. The component waits for responses, which
// JavaScript cannot do: a worker fetches, and this thread sleeps until the worker notifies it.

import { MessageChannel, Worker, receiveMessageOnPort } from 'node:worker_threads';
import { locator } from './url.mjs';
import { WINDOW, enter, leave } from './window.mjs';

/** Creates the import for the servers at these URLs: the master, Exhibitor, Marathon's apps. */
export function http(...urls) {
  const locate = locator(...urls);
  const begin = performance.now();
  const worker = new Worker(new URL('fetch.mjs', import.meta.url));
  worker.unref();
  return {
    Exchange,
    Response,
    window: () => WINDOW,
    send(request) {
      enter();
      const { method, content } = request;
      return new Exchange(worker, { method, url: locate(request), content });
    },
    pause(milliseconds) {
      Atomics.wait(bell(), 0, 0, milliseconds);
      return true;
    },
    elapsed: () => BigInt(Math.floor(performance.now() - begin)),
  };
}

/** A request in flight. */
class Exchange {
  constructor(worker, request) {
    const { port1, port2 } = new MessageChannel();
    Object.assign(this, { bell: bell(), port: port1 });
    worker.postMessage({ request, bell: this.bell, port: port2 }, [port2]);
  }

  static finish({ bell, port }) {
    Atomics.wait(bell, 0, 0);
    const { message } = receiveMessageOnPort(port);
    port.close();
    if (message.status !== undefined) return new Response(message);
    leave();
    throw message.error;
  }
}

/** A response. Its body has arrived completely, or up to an error, and is read in chunks. */
class Response {
  constructor(answer) {
    this.answer = answer;
  }

  status() {
    return this.answer.status;
  }

  read(limit) {
    if (limit === 0) throw new Error('the component reads nothing');
    const { body, error } = this.answer;
    if (body.length === 0 && error) throw error;
    this.answer.body = body.subarray(limit);
    return body.subarray(0, limit);
  }

  [Symbol.dispose]() {
    leave();
  }
}

/** Creates a value that a thread can wait on. */
function bell() {
  return new Int32Array(new SharedArrayBuffer(4));
}
