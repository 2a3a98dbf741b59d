// This is the worker of http.mjs. It sends all requests that it receives, concurrently.

import { parentPort } from 'node:worker_threads';

/** Maps the cases of `error` in wit/types.wit to the error codes of `fetch`. */
const ERRORS = {
  dns: /ENOTFOUND|EAI_/,
  connect: /ECONNREFUSED|UNREACH|CONNECT_TIMEOUT/,
  timeout: /TIMEOUT/,
  reset: /ECONNRESET|EPIPE|UND_ERR_SOCKET/,
  protocol: /HPE_/,
  tls: /CERT|TLS|SSL/,
  internal: /^/,
};

parentPort.on('message', async ({ request, bell, port }) => {
  port.postMessage(await answer(request));
  port.close();
  Atomics.store(bell, 0, 1);
  Atomics.notify(bell, 0);
});

/** Returns the status and the body, as far as they arrive, and the error that ends them. */
async function answer({ method, url, content }) {
  const pieces = [];
  let status, error;
  try {
    const headers = content && { 'Content-Type': content.mediaType };
    const request = { method: method.toUpperCase(), headers, body: content?.bytes, redirect: 'manual' };
    const response = await fetch(url, request);
    status = response.status;
    for await (const piece of response.body ?? []) pieces.push(piece);
  } catch ({ cause, message }) {
    const val = cause?.code ?? message;
    error = { tag: Object.keys(ERRORS).find((tag) => ERRORS[tag].test(val)), val };
  }
  return { status, body: new Uint8Array(Buffer.concat(pieces)), error };
}
