/** Maps the cases of `error` in wit/types.wit to the error codes of `fetch`. */
const ERRORS = {
  dns: /ENOTFOUND|EAI_/,
  connect: /ECONNREFUSED|CONNECT_TIMEOUT/,
  timeout: /TIMEOUT|ETIMEDOUT/,
  reset: /ECONNRESET|EPIPE|UNREACH|UND_ERR_SOCKET/,
  protocol: /HPE_/,
  tls: /CERT|TLS|SSL/,
  internal: /^/,
};

/** Returns the case for an error of `fetch`. */
export function caseOf({ cause, message }) {
  const val = cause?.code ?? message;
  // Whatever the code, the server has not seen the request.
  if (cause?.syscall === 'connect') return { tag: 'connect', val };
  return { tag: Object.keys(ERRORS).find((tag) => ERRORS[tag].test(val)), val };
}
