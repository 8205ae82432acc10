import { systemCode } from '../../errors.ts';
import { Gathered } from '../network/gathered.ts';
import type { ClientRequest, IncomingHttpHeaders, IncomingMessage } from 'node:http';

export interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** Its first bytes, as many as were asked for. */
  readonly body: Buffer;
  /** Whether it was longer. The connection was then dropped. */
  readonly isCut: boolean;
  /** Whether it came before the receiver had the whole request. The connection was then dropped. */
  readonly isEarly?: boolean;
}

/** From here on a status says that the receiver did not take the request: it need not have all of it. */
const FIRST_FAILURE = 400;

const EARLY = 'the receiver answered before it had the whole request';

/** Why there is no reply. */
export class NoReplyError extends Error {
  override readonly name = 'NoReplyError';
  /** Whether the receiver ended the connection before it answered: perhaps it got more than it takes. */
  readonly cutOff: boolean;
  /** Whether it had been used before, and nothing came back on it: the receiver may have closed it just then. */
  readonly stale: boolean;

  constructor(
    message: string,
    { cause, cutOff = false, stale = false }: { cause?: unknown; cutOff?: boolean; stale?: boolean },
  ) {
    super(message, { cause });
    this.cutOff = cutOff;
    this.stale = stale;
  }
}

/**
 * Sends a body and reads the reply.
 * @param timeoutMs for all of it, from the connection to the reply's last byte
 * @param maxReplyBytes the most that is read of the reply
 * @throws {NoReplyError} when the connection fails, time runs out, or the reply is not whole; `cause` is the error behind it
 */
export function exchange(
  request: ClientRequest,
  body: Buffer,
  timeoutMs: number,
  maxReplyBytes: number,
): Promise<Reply> {
  const { promise, resolve, reject } = Promise.withResolvers<Reply>();
  let replied = false;
  let late = 'no answer in time (timeout)';
  const fail = (message: string, cause?: unknown): void => {
    const ended = ['ECONNRESET', 'EPIPE', undefined].includes(systemCode(cause));
    const cutOff = !replied && ended && request.socket?.connecting === false;
    const stale = !replied && request.reusedSocket;
    reject(new NoReplyError(message, { cause, cutOff, stale }));
    request.destroy();
  };
  // A connection on which a part of the request waits for ever would hold up the next request.
  const settle = (reply: Reply): void => {
    if (request.writableFinished) return resolve(reply);
    if (reply.status >= FIRST_FAILURE) {
      resolve({ ...reply, isEarly: true });
      return void request.destroy();
    }
    late = `${EARLY}, and did not read the rest in time (timeout)`;
    if (request.destroyed) return fail(EARLY);
    request.once('finish', () => resolve(reply)).once('close', () => fail(EARLY));
  };
  const timer = setTimeout(() => {
    reject(new NoReplyError(late, {}));
    request.destroy();
  }, timeoutMs);
  // Once a reply has begun, its own end says what became of it.
  request.on('error', (error) => replied || fail('', error));
  request.on('close', () => replied || fail('the receiver ended the connection without an answer'));
  request.on('response', (response) => {
    replied = true;
    late = 'the reply did not end in time (timeout)';
    read(response, request, maxReplyBytes).then(settle, (error: unknown) => fail('the reply was cut off', error));
  });
  request.end(body);
  return promise.finally(() => clearTimeout(timer));
}

async function read(response: IncomingMessage, request: ClientRequest, maxBytes: number): Promise<Reply> {
  const { promise, resolve, reject } = Promise.withResolvers<Reply>();
  const gathered = new Gathered();
  const done = (isCut: boolean): void =>
    resolve({ status: response.statusCode ?? 0, headers: response.headers, body: gathered.bytes, isCut });
  response.on('data', (piece: Buffer) => {
    const room = maxBytes - gathered.length;
    gathered.add(piece.subarray(0, room));
    if (piece.length <= room) return;
    done(true);
    request.destroy();
  });
  response.on('end', () => (response.complete ? done(false) : reject(new Error('not whole'))));
  response.on('error', reject);
  response.on('close', () => reject(new Error('not whole')));
  return promise;
}
