/** The longest line of a server, in bytes. The longest is INFO, which names all addresses of a cluster. */
const MAX_LINE_BYTES = 64 * 1024;

/** The largest message that is read, in bytes. Acknowledgements have some hundred. */
const MAX_MESSAGE_BYTES = 64 * 1024;

/** One protocol message of a server. */
export type Operation =
  | { readonly kind: 'info'; readonly info: Readonly<Record<string, unknown>> }
  | {
      readonly kind: 'message';
      readonly subject: string;
      /** The status in its first header line, such as 503; undefined where there is none. */
      readonly status: number | undefined;
      readonly payload: Buffer;
    }
  | { readonly kind: 'ping' | 'pong' | 'ok' }
  | { readonly kind: 'error'; readonly text: string };

/** The bytes are not of a NATS server, or more than one sends. The message does not hold them. */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError';
}

const CRLF = '\r\n';
const EMPTY: Buffer = Buffer.alloc(0);

interface Announced {
  readonly subject: string;
  readonly headerBytes: number;
  readonly bytes: number;
}

/**
 * Cuts a server's bytes into operations (docs.nats.io, "Client Protocol"). Holds one unfinished operation at most, of a line
 * and a message of 64 KiB each.
 */
export class OperationReader {
  #rest: Buffer = EMPTY;
  /** A message whose line was read and whose bytes are still to come. */
  #announced: Announced | undefined;

  /** Bytes that are not a whole operation yet. */
  get restBytes(): number {
    return this.#rest.length;
  }

  /** @throws {ProtocolError} at the first wrong byte; the reader must not be used any more then */
  *read(piece: Buffer): Generator<Operation, void, void> {
    this.#rest = this.#rest.length === 0 ? piece : Buffer.concat([this.#rest, piece]);
    for (;;) {
      const operation = this.#announced === undefined ? this.#line() : this.#message(this.#announced);
      if (operation === 'more') return;
      if (operation !== undefined) yield operation;
    }
  }

  #take(bytes: number): Buffer {
    const taken = this.#rest.subarray(0, bytes);
    this.#rest = this.#rest.subarray(bytes);
    return taken;
  }

  #line(): Operation | 'more' | undefined {
    const end = this.#rest.indexOf(CRLF);
    if ((end === -1 ? this.#rest.length : end) > MAX_LINE_BYTES)
      throw new ProtocolError('it sends a line without end: it is no NATS server');
    if (end === -1) return 'more';
    const line = this.#take(end + CRLF.length)
      .subarray(0, -CRLF.length)
      .toString('utf8');
    switch (/^[+-]?[A-Z]+/u.exec(line)?.[0]) {
      case 'MSG':
      case 'HMSG':
        this.#announced = announced(line);
        return undefined;
      case 'PING':
        return { kind: 'ping' };
      case 'PONG':
        return { kind: 'pong' };
      case '+OK':
        return { kind: 'ok' };
      case '-ERR':
        return { kind: 'error', text: line.slice(4).trim().replaceAll(/^'|'$/gu, '') };
      case 'INFO':
        return { kind: 'info', info: objectIn(line.slice(4)) };
      default:
        throw new ProtocolError('it does not speak the NATS protocol');
    }
  }

  #message({ subject, headerBytes, bytes }: Announced): Operation | 'more' {
    if (this.#rest.length < bytes + CRLF.length) return 'more';
    const message = this.#take(bytes + CRLF.length);
    if (message.toString('latin1', bytes) !== CRLF) throw new ProtocolError('it does not speak the NATS protocol');
    this.#announced = undefined;
    const status = /^NATS\/1\.0 (\d{3})\b/u.exec(message.toString('latin1', 0, Math.min(headerBytes, 20)))?.[1];
    return {
      kind: 'message',
      subject,
      status: status === undefined ? undefined : Number(status),
      payload: message.subarray(headerBytes, bytes),
    };
  }
}

/** `MSG SUBJECT SID [REPLY] BYTES`, or `HMSG SUBJECT SID [REPLY] HEADER-BYTES BYTES`. */
function announced(line: string): Announced {
  const [operation, subject, sid, ...rest] = line.split(/[ \t]+/u);
  const numbers = operation === 'HMSG' ? rest.slice(-2) : ['0', ...rest.slice(-1)];
  const [headerBytes, bytes] = numbers.map((text) => (/^\d{1,9}$/u.test(text) ? Number(text) : Number.NaN));
  if (sid === undefined || headerBytes === undefined || bytes === undefined || !(headerBytes <= bytes))
    throw new ProtocolError('it does not speak the NATS protocol');
  if (bytes > MAX_MESSAGE_BYTES) throw new ProtocolError('it sends a message that is no acknowledgement');
  return { subject: subject!, headerBytes, bytes };
}

function objectIn(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  } catch {
    // Told below; the parser's own message holds what was received.
  }
  throw new ProtocolError('it does not speak the NATS protocol');
}
