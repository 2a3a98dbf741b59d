import { printable } from './printable.mjs';

/** A run that did not complete. */
export class CleanupFailure extends Error {
  name = 'CleanupFailure';

  constructor({ message, reason, report }) {
    super(printable(message));
    this.reason = reason;
    this.report = report;
  }
}

/** A trap of the component, or a breach of the contract: a fault of this package. */
export class ComponentError extends Error {
  name = 'ComponentError';

  constructor(message, options) {
    super(printable(message), options);
  }
}

/** Returns the case of the contract's `error` for an error of `fetch`, if it is one of its network. */
export function caseOf(error) {
  if (CASES.has(error?.tag)) return ownCase(error);
  // The `fetch` of the user may have a time limit of its own.
  if (['AbortError', 'TimeoutError'].includes(error?.name)) return { tag: 'timeout' };
  const { code, syscall } = details(error);
  const known = KINDS.find(([kind]) => kind.test(syscall) || kind.test(code));
  if (known) return known[1](code);
  if (error instanceof TypeError && UNEXPLAINED.test(error.message)) {
    return { tag: 'internal', val: 'the request failed, and it is not known why' };
  }
  return undefined;
}

/** The cases that a `fetch`, or the body of its response, may throw itself, and tests of their values. */
const CASES = new Map([
  ...['dns', 'timeout', 'reset'].map((tag) => [tag, (val) => val === undefined]),
  ...['connect', 'tls', 'protocol', 'internal'].map((tag) => [tag, (val) => typeof val === 'string']),
  ['too-large', (val) => typeof val === 'bigint' && val === BigInt.asUintN(64, val)],
]);

/** Returns a case without anything that the user may have added, if its value is of the right type. */
function ownCase({ tag, val }) {
  if (!CASES.get(tag)(val)) return undefined;
  return val === undefined ? { tag } : { tag, val };
}

/** The messages of Node, Chromium, Firefox and Safari about a request that failed. */
const UNEXPLAINED = /^(fetch failed|terminated|network error|Failed to fetch|NetworkError|Load failed)/;

/** The words for people for a connection that was not established. */
const CONNECTION = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection reset',
  EHOSTUNREACH: 'host unreachable',
  ENETUNREACH: 'network unreachable',
  ETIMEDOUT: 'no connection within the time limit',
  UND_ERR_CONNECT_TIMEOUT: 'no connection within the time limit',
};

/**
 * The cases of `error` by the codes and system calls of Node's errors. The first match counts. A
 * server may have seen the request unless the system call `connect` failed, whatever the code.
 */
const KINDS = [
  [/^(ENOTFOUND|EAI_\w+|getaddrinfo)$/, () => ({ tag: 'dns' })],
  [/^(connect|ECONNREFUSED|UND_ERR_CONNECT_TIMEOUT)$/, (code) => ({ tag: 'connect', val: CONNECTION[code] ?? 'connection failed' })],
  [/^CERT_HAS_EXPIRED$/, () => ({ tag: 'tls', val: 'the certificate has expired' })],
  [/^ERR_TLS_CERT_ALTNAME_INVALID$/, () => ({ tag: 'tls', val: 'the certificate is for another name' })],
  [/SELF_SIGNED|UNABLE_TO_/, () => ({ tag: 'tls', val: 'the certificate is not from a trusted authority' })],
  [/CERT|TLS|SSL|^EPROTO$/, (code) => ({ tag: 'tls', val: code })],
  [/TIMEOUT|^ETIMEDOUT$/, () => ({ tag: 'timeout' })],
  [/^(ECONNRESET|ECONNABORTED|EPIPE|E\w+UNREACH|UND_ERR_SOCKET|ERR_STREAM_PREMATURE_CLOSE)$/, () => ({ tag: 'reset' })],
  [/^(HPE_|UND_ERR_(RES|HEADERS_OVERFLOW)|Z_)/, (code) => ({ tag: 'protocol', val: code })],
  [/^UND_ERR_/, (code) => ({ tag: 'internal', val: code })],
];

/** Returns the code and the system call of an error, or of its cause. */
function details(error) {
  for (let it = error, depth = 0; it instanceof Error && depth < 4; depth += 1) {
    // The code of a `DOMException` is a number.
    if (typeof it.code === 'string' && !it.errors) return { code: it.code, syscall: it.syscall ?? '' };
    // A server with several addresses was not reached at any of them.
    it = it.errors?.[0] ?? it.cause;
  }
  return { code: '', syscall: '' };
}
