import { reasonOf, systemCode } from '../../errors.ts';

const ADVICE: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nobody listens there',
  ECONNRESET: 'the receiver ended the connection',
  EPIPE: 'the receiver ended the connection',
  ENOTFOUND: 'its name is not known',
  EAI_AGAIN: 'its name could not be resolved just now',
  EHOSTUNREACH: 'no route leads there',
  ENETUNREACH: 'no route leads there',
  ETIMEDOUT: 'it does not answer',
  CERT_HAS_EXPIRED: "the receiver's certificate has expired",
  CERT_NOT_YET_VALID: "the receiver's certificate is not valid yet",
  CERT_REVOKED: "the receiver's certificate was revoked",
  ERR_TLS_CERT_ALTNAME_INVALID:
    "the receiver's certificate is for another name; if that is as it should be, put the name into tls.server_name",
};

const UNKNOWN_AUTHORITY = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
]);

/**
 * Why a connection failed, in words that stay the same for the same cause: the log leaves out what repeats. Never holds what
 * was sent or received.
 */
export function connectionProblem(error: unknown): string {
  const code = systemCode(error) ?? '';
  const known = ADVICE[code];
  if (known !== undefined) return `${known} (${code})`;
  if (UNKNOWN_AUTHORITY.has(code))
    return `no authority that is trusted here vouches for the receiver's certificate; name its file in tls.ca (${code})`;
  // OpenSSL's own name of it is in the code or, with EPROTO, in the message.
  const detail = `${code} ${reasonOf(error)}`.toLowerCase().replaceAll('_', ' ');
  if (/wrong version number|packet length too long/u.test(detail)) return 'the receiver does not speak TLS there';
  if (/alert (?:certificate required|bad certificate|unknown ca|certificate expired|handshake failure)/u.test(detail))
    return "the receiver does not take the agent's certificate, or wants one: see tls.cert and tls.key";
  if (code.startsWith('HPE_')) return `the receiver does not answer in HTTP (${code})`;
  return code === '' ? reasonOf(error) : code;
}
