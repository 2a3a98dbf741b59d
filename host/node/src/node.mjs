// This sends requests in Node. Its `fetch` sends a request again if the answer is 421, and adds
// headers of its own.

import http from 'node:http';
import https from 'node:https';

/** The longest wait for a connection, in milliseconds. */
const CONNECT = 10_000;

/** Creates a function like `fetch` that sends each request once, and one that closes its connections. */
export function sender() {
  const clients = { 'http:': client(http), 'https:': client(https) };
  const send = (url, init) => {
    const { request, agent } = clients[new URL(url).protocol];
    return exchange(request, url, { ...init, agent });
  };
  return { send, close: () => Object.values(clients).forEach(({ agent }) => agent.destroy()) };
}

function client({ Agent, request }) {
  return { request, agent: new Agent({ keepAlive: true, maxFreeSockets: 32 }) };
}

function exchange(request, url, { method, headers, body, signal, agent }) {
  return new Promise((resolve, reject) => {
    const length = body && { 'Content-Length': body.length };
    const sent = request(url, { method, headers: { ...headers, ...length }, agent, signal });
    const fail = (error) => {
      reject(error);
      sent.destroy();
    };
    sent.on('error', fail);
    sent.on('socket', (socket) => {
      if (!socket.connecting) return;
      const timer = setTimeout(fail, CONNECT, { tag: 'connect', val: 'no connection within the time limit' });
      const end = () => clearTimeout(timer);
      socket.once(url.startsWith('https:') ? 'secureConnect' : 'connect', end);
      socket.once('close', end);
    });
    for (const event of ['continue', 'information', 'upgrade']) {
      sent.on(event, () => fail({ tag: 'protocol', val: 'an informational status' }));
    }
    sent.on('response', (answer) => {
      // The reader of the body gets this error, whenever it reads.
      answer.on('error', () => {});
      const { 'content-encoding': coding = 'identity', location = null } = answer.headers;
      if (coding !== 'identity') fail({ tag: 'protocol', val: 'a content coding that was not requested' });
      resolve({ status: answer.statusCode, headers: new Map([['location', location]]), body: answer });
    });
    sent.end(body);
  });
}
