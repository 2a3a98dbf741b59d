// The component's import `http`. The component waits for answers, and JavaScript does
// not: so a worker fetches, and this thread sleeps until the worker rings.

import { MessageChannel, Worker, receiveMessageOnPort } from 'node:worker_threads';

/** The import, for the servers at these URLs: the master, Exhibitor, Marathon's apps. */
export function http(...urls) {
  const [master, exhibitor, apps] = urls.map((url) => url.replace(/\/*$/, '/'));
  const pods = apps.replace(/apps\/$/, 'pods/');
  // No redirect is followed, so the one server at this URL answers both.
  const root = master.replace(/master\/$/, '');
  const endpoints = { master, 'master-root': root, exhibitor, marathon: apps, 'marathon-pods': pods };
  const begin = performance.now();
  const worker = new Worker(new URL('fetch.mjs', import.meta.url));
  worker.unref();
  return {
    Exchange,
    Response,
    window: () => 32,
    send({ endpoint, method, path, query, content }) {
      const parts = query.map((pair) => pair.map(encode).join('=')).join('&');
      const url = endpoints[endpoint] + path.map(encode).join('/') + (parts && `?${parts}`);
      return new Exchange(worker, { method, url, content });
    },
    pause(milliseconds) {
      Atomics.wait(bell(), 0, 0, milliseconds);
      return true;
    },
    elapsed: () => BigInt(Math.floor(performance.now() - begin)),
  };
}

/** A request on its way. */
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
    if (message.status === undefined) throw message.error;
    return new Response(message);
  }
}

/** An answer. Its body has come, as far as it will, and is handed over in pieces. */
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
}

/** What a thread can sleep on. */
function bell() {
  return new Int32Array(new SharedArrayBuffer(4));
}

/** Percent-encodes everything but what RFC 3986 calls unreserved, and parentheses. */
function encode(text) {
  return encodeURIComponent(text).replace(/[!'*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
}
