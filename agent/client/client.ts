import { request, type ClientRequest, type IncomingMessage } from 'node:http';
import { LineReader } from '../completeness/line-reader.ts';
import { AgentError, systemCode } from '../errors.ts';
import { ANSWER_TIMEOUT_MS, MAX_ANSWER_BYTES, MAX_REASON_BYTES } from './limits.ts';
import { explainUnreachable } from './unreachable.ts';

/** The agent answered, and does not do what was asked. The message is its own. */
export class RefusedError extends Error {
  override readonly name = 'RefusedError';
  /** Of HTTP: 400 or 431 when the request is wrong, 503 when there are too many readers. */
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

export interface FollowOptions {
  /** Ends the stream, without an error. */
  readonly signal: AbortSignal;
  /** Called when the agent begins to answer. */
  readonly onOpen: () => Promise<void>;
  /**
   * Gets the lines of each piece that was read, without newlines. The next piece is read when its promise settles: whoever is slow
   * is told by the agent what was missed.
   */
  readonly onLines: (lines: readonly string[]) => Promise<void>;
  /** A line longer than any event was passed over. */
  readonly onTooLong: () => void;
}

/** HTTP: the request has more bytes than the agent reads. Node answers so by itself, without a sentence. */
const TOO_LONG = 431;

const silentRefusal = (status: number): string =>
  status === TOO_LONG
    ? 'the request is longer than the agent reads; give it a shorter filter'
    : `the agent refused the request with status ${status} of HTTP, and does not say why`;

const LATE = 'no answer in time';

/** A client of an agent's control socket (docs/api.md). Everything that it reads is bounded in size and, streams aside, in time. */
export class ControlClient {
  readonly path: string;
  readonly #timeoutMs: number;

  /** @param timeoutMs smaller only in tests */
  constructor(path: string, timeoutMs: number = ANSWER_TIMEOUT_MS) {
    this.path = path;
    this.#timeoutMs = timeoutMs;
  }

  /**
   * A value that the agent serves as JSON.
   * @throws {RefusedError} with its sentence when it refuses
   * @throws {AgentError} CONTROL_UNREACHABLE when there is no answer, or none that can be read
   */
  async get(what: string): Promise<unknown> {
    const { asked, answer, late } = this.#ask(what);
    const whole = async (): Promise<unknown> => {
      const text = await this.#textOf(await answer);
      // Without a length, an answer that is cut short counts as whole.
      if (late()) throw new Error(LATE);
      return JSON.parse(text);
    };
    try {
      return await this.#explaining(whole());
    } finally {
      asked.destroy();
    }
  }

  /**
   * Follows events, as docs/api.md says. Resolves when the agent has sent all that was asked for, or `signal` ends it.
   * @throws as `get`; also when the agent goes away, and what `onLines` throws
   */
  async follow(query: URLSearchParams, { signal, onOpen, onLines, onTooLong }: FollowOptions): Promise<void> {
    const { asked, answer, inTime } = this.#ask(`/v1/events?${query.toString()}`);
    const stop = (): void => void asked.destroy();
    signal.addEventListener('abort', stop);
    try {
      const response = await this.#explaining(answer);
      if (response.statusCode !== 200) await this.#explaining(this.#textOf(response));
      inTime();
      await onOpen();
      let lines: string[] = [];
      const reader = new LineReader({
        line: (memory, start, end) => void lines.push(memory.toString('utf8', start, end)),
        tooLong: onTooLong,
        unfinished: () => undefined,
      });
      for await (const piece of this.#piecesOf(response)) {
        reader.push(piece);
        const whole = lines;
        lines = [];
        if (whole.length > 0) await onLines(whole);
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      signal.removeEventListener('abort', stop);
      asked.destroy();
    }
  }

  /** @returns also what to call when the answer has come in time, and whether it has not */
  #ask(what: string): {
    asked: ClientRequest;
    answer: Promise<IncomingMessage>;
    inTime: () => void;
    late: () => boolean;
  } {
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    const asked = request({ socketPath: this.path, path: what, agent: false, headers: { host: 'agent' } }, resolve);
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      asked.destroy(new Error(LATE));
    }, this.#timeoutMs);
    const inTime = (): void => clearTimeout(timer);
    asked.on('error', reject).once('close', () => {
      inTime();
      reject(new Error('the connection was closed without an answer'));
    });
    asked.end();
    return { asked, answer: promise, inTime, late: () => isLate };
  }

  /** A whole answer. @throws {RefusedError} unless its status is 200 */
  async #textOf(response: IncomingMessage): Promise<string> {
    const { statusCode: status = 0 } = response;
    const maxBytes = status === 200 ? MAX_ANSWER_BYTES : MAX_REASON_BYTES;
    const pieces: Buffer[] = [];
    let bytes = 0;
    for await (const piece of response) {
      bytes += (piece as Buffer).length;
      if (bytes > maxBytes) throw new Error(`the answer is longer than ${maxBytes} bytes`);
      pieces.push(piece as Buffer);
    }
    const text = Buffer.concat(pieces).toString('utf8');
    if (status !== 200) throw new RefusedError(status, text.trim() || silentRefusal(status));
    return text;
  }

  async *#piecesOf(response: IncomingMessage): AsyncGenerator<Buffer> {
    try {
      for await (const piece of response) yield piece as Buffer;
    } catch (error) {
      throw this.#explained(error);
    }
  }

  async #explaining<T>(work: Promise<T>): Promise<T> {
    try {
      return await work;
    } catch (error) {
      throw this.#explained(error);
    }
  }

  #explained(error: unknown): Error {
    if (error instanceof RefusedError) return error;
    return new AgentError('CONTROL_UNREACHABLE', this.#reasonOf(error), { cause: error });
  }

  #reasonOf(error: unknown): string {
    const code = systemCode(error);
    // Of Node.js's parser of HTTP.
    if (error instanceof SyntaxError || code?.startsWith('HPE_') === true)
      return `${this.path}: the answer is not what an agent says; does another program listen there?`;
    if (code === 'ECONNRESET') return `${this.path}: the agent ended the connection`;
    return explainUnreachable(error, this.path);
  }
}
