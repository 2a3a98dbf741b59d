/** Maps the cases of `error` in wit/types.wit to the codes of Node's errors. */
const ERRORS = {
  dns: /ENOTFOUND|EAI_/,
  connect: /ECONNREFUSED/,
  timeout: /ETIMEDOUT/,
  reset: /ECONNRESET|EPIPE|UNREACH|PREMATURE_CLOSE/,
  protocol: /HPE_/,
  tls: /CERT|TLS|SSL|EPROTO|SELF_SIGNED|UNABLE_TO_/,
  internal: /^/,
};

/** Returns the case for an error of Node's HTTP client. Its message may contain an address. */
export function caseOf(error) {
  // A server with several addresses was not reached at any of them.
  const { code = 'the request failed', syscall } = error.errors?.[0] ?? error;
  // Whatever the code, the server has not seen the request.
  if (syscall === 'connect') return { tag: 'connect', val: code };
  return { tag: Object.keys(ERRORS).find((tag) => ERRORS[tag].test(code)), val: code };
}
