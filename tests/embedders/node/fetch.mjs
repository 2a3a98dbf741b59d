// This is the worker of http.mjs. It sends all requests that it receives, concurrently.

import { parentPort } from 'node:worker_threads';
import { caseOf } from './errors.mjs';
import { send } from './send.mjs';

parentPort.on('message', async ({ request, bell, port }) => {
  port.postMessage(await answer(request));
  port.close();
  Atomics.store(bell, 0, 1);
  Atomics.notify(bell, 0);
});

/** Returns the status and the body, as far as they arrive, and the error that ends them. */
async function answer({ url, ...request }) {
  const pieces = [];
  let status, error;
  try {
    const response = await send(url, request);
    status = response.statusCode;
    for await (const piece of response) pieces.push(piece);
  } catch (why) {
    error = caseOf(why);
  }
  return { status, body: new Uint8Array(Buffer.concat(pieces)), error };
}
