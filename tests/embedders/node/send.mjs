// This sends a request once. `fetch` sends it again if the answer is 421.

import http from 'node:http';
import https from 'node:https';

/** The longest waits for a connection, and for the next bytes of a response, in milliseconds. */
const CONNECT = 10_000;
const SILENCE = 60_000;

/** Sends a request, and returns a promise of the response, whose body is an iterator. */
export function send(url, { method, content }) {
  return new Promise((resolve, reject) => {
    const headers = content && { 'Content-Type': content.mediaType, 'Content-Length': content.bytes.length };
    const { request } = url.startsWith('https:') ? https : http;
    const sent = request(url, { method: method.toUpperCase(), headers });
    let open = sent;
    sent.on('error', reject);
    sent.on('socket', (socket) => {
      if (!socket.connecting) return;
      const timer = setTimeout(() => sent.destroy(broken('ETIMEDOUT', 'connect')), CONNECT);
      for (const event of ['connect', 'close']) socket.once(event, () => clearTimeout(timer));
    });
    sent.setTimeout(SILENCE, () => open.destroy(broken('ETIMEDOUT')));
    for (const event of ['continue', 'information', 'upgrade']) {
      sent.on(event, () => sent.destroy(broken('HPE_INFORMATIONAL')));
    }
    sent.on('response', (response) => {
      open = response;
      // The reader of the body gets this error.
      response.on('error', () => {});
      if ((response.headers['content-encoding'] ?? 'identity') !== 'identity') sent.destroy(broken('HPE_CODING'));
      else resolve(response);
    });
    sent.end(content?.bytes);
  });
}

/** Returns an error that is like those of Node. */
function broken(code, syscall) {
  return Object.assign(new Error(code), { code, syscall });
}
