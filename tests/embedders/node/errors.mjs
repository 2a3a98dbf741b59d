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

/** Returns the case for an error of `fetch`. */
export function caseOf({ cause, message }) {
  const val = cause?.code ?? message;
  return { tag: Object.keys(ERRORS).find((tag) => ERRORS[tag].test(val)), val };
}
