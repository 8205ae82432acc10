/** The reply to a message. */
export interface Reply {
  readonly status: number | undefined;
  readonly payload: Buffer;
}

/** The fate of one message. */
export type Fate =
  | { readonly kind: 'taken' }
  | { readonly kind: 'retry'; readonly reason: string }
  /** The stream will never take it. */
  | { readonly kind: 'refused'; readonly reason: string };

const TAKEN: Fate = { kind: 'taken' };

/** No subscriber: ADR-4 of nats-architecture-and-design. */
const NO_RESPONDERS = 503;

/** `err_code` of JetStream (server/errors.json) and what it means here. */
const STORE_FAILED = 10_077;
const MESSAGE_TOO_LARGE = 10_054;
const HEADER_TOO_LARGE = 10_097;
const OTHER_STREAM = 10_060;

const MEANINGS: Readonly<Record<number, string>> = {
  10002: "the account's limits of JetStream are reached",
  10008: 'JetStream is not available just now',
  10023: 'the server has no resources left for JetStream',
  10028: 'the server has no memory left for JetStream',
  10039: 'JetStream is not enabled for this account',
  10047: 'the server has no storage left for JetStream',
  10076: 'JetStream is not enabled on this server',
  10109: 'the stream is sealed and takes no messages any more',
  10118: 'the stream is offline',
  10158: 'the same message is being stored just now',
  10167: 'the stream gets more than it can store just now',
};

/** The reasons of STORE_FAILED that the server's text tells apart. */
const STORE_FAILURES: Readonly<Record<string, string>> = {
  'maximum bytes exceeded': 'the stream is full (max_bytes) and discards new messages',
  'maximum messages exceeded': 'the stream is full (max_msgs) and discards new messages',
  'maximum messages per subject exceeded': 'the subject is full (max_msgs_per_subject) and discards new messages',
};

interface Answer {
  readonly stream?: unknown;
  readonly seq?: unknown;
  readonly error?: { readonly code?: unknown; readonly err_code?: unknown; readonly description?: unknown };
}

/**
 * Judges a message by the reply to it. Reasons hold numbers of the reply and never its text.
 * @param stream the one that must have stored it; undefined for any
 * @param pattern subjects that a stream would need, for the advice
 */
export function judge({ status, payload }: Reply, stream: string | undefined, pattern: string): Fate {
  if (status === NO_RESPONDERS && payload.length === 0)
    return {
      kind: 'retry',
      reason: `no JetStream stream has the subject; make one, for example with: nats stream add PROBES --subjects '${pattern}' --dupe-window 30m`,
    };
  if (status !== undefined) return { kind: 'retry', reason: `status ${status} in place of an acknowledgement` };
  const answer = answerIn(payload);
  if (answer.error !== undefined && answer.error !== null) return ofError(answer.error, stream);
  if (typeof answer.stream !== 'string' || !Number.isSafeInteger(answer.seq))
    return {
      kind: 'retry',
      reason: 'the reply is no acknowledgement of JetStream; something else answers to the subject',
    };
  if (stream !== undefined && answer.stream !== stream) return { kind: 'retry', reason: otherThan(stream) };
  return TAKEN;
}

function ofError({ code, err_code, description }: NonNullable<Answer['error']>, stream: string | undefined): Fate {
  const number = Number.isSafeInteger(err_code) ? (err_code as number) : undefined;
  const suffix = `(error ${number ?? (Number.isSafeInteger(code) ? String(code) : 'without a number')})`;
  // Anyone can answer, with any value, and some objects cannot be converted to text.
  const text = typeof description === 'string' ? description : '';
  if (number === MESSAGE_TOO_LARGE || (number === STORE_FAILED && text === 'message too large'))
    return { kind: 'refused', reason: `the event is larger than the stream takes, see its max_msg_size ${suffix}` };
  if (number === HEADER_TOO_LARGE)
    return { kind: 'refused', reason: `the header is larger than the server takes ${suffix}` };
  if (number === OTHER_STREAM && stream !== undefined)
    return { kind: 'retry', reason: `${otherThan(stream)} ${suffix}` };
  if (number === STORE_FAILED)
    return { kind: 'retry', reason: `${STORE_FAILURES[text] ?? 'the stream could not store the event'} ${suffix}` };
  return { kind: 'retry', reason: `${MEANINGS[number ?? 0] ?? 'the stream did not take the event'} ${suffix}` };
}

function otherThan(stream: string): string {
  return `the subject belongs to another stream than ${stream}; correct stream or subject`;
}

function answerIn(payload: Buffer): Answer {
  try {
    const value: unknown = JSON.parse(payload.toString('utf8'));
    return typeof value === 'object' && value !== null ? value : {};
  } catch {
    return {};
  }
}
