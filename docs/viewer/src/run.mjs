// Runs the component. Its imports are answered in this page, from a file, and everything that
// crosses the border of the sandbox is kept.

import { functionName } from './contract.mjs';

const CLUSTER = 'janitor:cleanup/cluster';
const LOG = 'janitor:cleanup/log';

/** The most bytes that one read returns. */
const LARGEST_READ = 1 << 20;

/**
 * Runs one call of a new instance to its end. `instantiate` takes the imports, and `transport`
 * answers the requests. The result has the `steps` (lines, requests, answers, pauses) in their
 * order, and `done`, `failure` or `fault`: the fault is a trap, or a request that was denied.
 */
export async function run(instantiate, { call, options, window = 32, stoppedAt }, transport) {
  const steps = [];
  const imports = border(steps, transport, window, stoppedAt);
  let result;
  try {
    const { cleanup } = await instantiate(imports);
    const args = call.val === undefined ? [options] : [call.val, options];
    result = { done: cleanup[functionName(call.tag)](...args) };
  } catch (thrown) {
    // A failure is the record that the contract describes. Anything else breaks the contract.
    const failure = thrown?.payload ?? thrown;
    result = failure instanceof Error ? { fault: String(failure) } : { failure };
  }
  const denied = steps.find(({ kind }) => kind === 'denied');
  if (denied) result = { fault: denied.rule };
  return { ...result, steps };
}

/**
 * Returns the parts of a run for several targets, each with its target, and `done` or `failure`. There
 * are none for a run of any other kind.
 */
export function partsOf({ tag, val }, { done }) {
  if (!Array.isArray(done)) return undefined;
  return done.map(({ tag: outcome, val: result }, index) => ({
    target: tag === 'apply-all' ? val[index].target : val[index],
    ...(outcome === 'ok' ? { done: result } : { failure: result }),
  }));
}

/** Creates the imports of one run. */
function border(steps, transport, window, stoppedAt = Infinity) {
  let inFlight = 0;
  let begun = 0;
  let clock = 0n;
  let isDenied = false;
  const isCancelled = () => {
    begun += 1;
    return begun >= stoppedAt;
  };

  class Exchange {
    constructor(exchange, answer) {
      Object.assign(this, { exchange, answer });
    }

    static finish({ exchange, answer }) {
      const { status, error } = answer.status === undefined ? answer : final(answer);
      steps.push({ kind: 'answer', exchange });
      exchange.answered = steps.length - 1;
      if (status !== undefined) {
        exchange.status = status;
        return new Response(exchange, answer);
      }
      inFlight -= 1;
      exchange.error = error.tag === 'too-large' ? misplaced(error) : ofTransport(error);
      throw exchange.error;
    }
  }

  class Response {
    constructor(exchange, { status, body, error }) {
      Object.assign(this, { exchange, code: status, body, error: error && ofTransport(error) });
    }

    status() {
      return this.code;
    }

    read(limit) {
      if (limit === 0) throw new Error('the component read 0 bytes of a response');
      if (this.body.length === 0 && this.error) {
        this.exchange.error = this.error;
        throw this.error;
      }
      this.exchange.excerpt ??= excerpt(this.body);
      const chunk = this.body.subarray(0, Math.min(limit, LARGEST_READ));
      this.body = this.body.subarray(chunk.length);
      this.exchange.bytes += chunk.length;
      return chunk;
    }

    [Symbol.dispose ?? Symbol.for('dispose')]() {
      inFlight -= 1;
    }
  }

  const cluster = {
    Exchange,
    Response,
    window: () => window,
    send(request) {
      const isOver = isCancelled();
      if (isDenied || inFlight >= window) {
        const rule = isDenied ? 'an earlier request was denied' : `more than ${window} exchanges in flight`;
        isDenied = true;
        steps.push({ kind: 'denied', rule });
        throw { tag: 'denied', val: rule };
      }
      if (isOver && request.method !== 'get') throw { tag: 'stopped' };
      inFlight += 1;
      const { content } = request;
      const exchange = {
        method: request.method.toUpperCase(),
        url: transport.url(request),
        content: content && { mediaType: content.mediaType, text: new TextDecoder('utf-8', { ignoreBOM: true }).decode(content.bytes) },
        sent: steps.length,
        bytes: 0,
      };
      steps.push({ kind: 'request', exchange });
      return new Exchange(exchange, transport.answer(exchange));
    },
    pause(milliseconds) {
      if (isCancelled()) return false;
      steps.push({ kind: 'pause', milliseconds });
      transport.pause(milliseconds);
      return true;
    },
    elapsed() {
      const now = transport.elapsed();
      if (now > clock) clock = now;
      return clock;
    },
  };
  return { [CLUSTER]: cluster, [LOG]: { write: (entry) => steps.push({ kind: 'line', entry }) } };
}

/** Returns a function that returns the beginning of a body as text. */
function excerpt(body) {
  return () => new TextDecoder().decode(body.subarray(0, 2000));
}

/** Accepts only final statuses, as the contract demands. */
function final({ status }) {
  if (status >= 200 && status <= 599) return { status };
  return { error: { tag: 'protocol', val: `its status is ${status}, not one of 200 to 599` } };
}

/** Replaces an error that only a host may return. */
function ofTransport(error) {
  return ['denied', 'stopped'].includes(error.tag) ? misplaced(error) : error;
}

function misplaced({ tag }) {
  return { tag: 'internal', val: `the recording has an error that only the host may return: ${tag}` };
}
