import { setTimeout as delay } from 'node:timers/promises';
import { Connection, ConnectionError, type ConnectOptions } from './connection.ts';
import type { Messages, Sent, Session } from './session.ts';

/** About how many bytes of messages are joined to one write. */
const CHUNK_BYTES = 64 * 1024;

/** How long the receiver may take to end the connection after the last message, in milliseconds. */
const END_PATIENCE_MS = 1000;

/**
 * Syslog over a stream, with each message's length in front of it: RFC 6587, section 3.4.1; over TLS RFC 5425, section 4.3.
 * The receiver never answers. So a message counts as taken when the kernel has it, and can be lost with the connection.
 */
export class StreamSession implements Session {
  readonly isAcknowledged = false;
  readonly #connection: Connection;

  private constructor(connection: Connection) {
    this.#connection = connection;
  }

  /**
   * @param settleMs how long nothing is sent: a receiver that does not want this client says so only after TLS, or by ending the
   *   connection, and what was sent until then would be lost
   * @throws {ConnectionError} when there is no connection, or the receiver ends it at once
   */
  static async open(options: ConnectOptions, settleMs: number): Promise<StreamSession> {
    const connection = await Connection.open(options);
    connection.onData = () =>
      connection.fail('the receiver answers, which no syslog receiver does here; check address and transport');
    await delay(settleMs);
    if (connection.problem !== undefined) throw connection.problem;
    return new StreamSession(connection);
  }

  get problem(): string | undefined {
    return this.#connection.problem?.message;
  }

  /** After a problem nothing is settled: it is not known where the receiver stopped to read. */
  async send({ count, at }: Messages): Promise<Sent> {
    try {
      for (let i = 0; i < count;) {
        const pieces: Uint8Array[] = [];
        for (let bytes = 0; i < count && bytes < CHUNK_BYTES; i++) {
          const [header, line] = at(i);
          const length = header.length + line.length;
          pieces.push(Buffer.from(`${length} `), header, line);
          bytes += length;
        }
        await this.#connection.write(pieces);
      }
      return { settled: count, refused: [] };
    } catch (error) {
      if (!(error instanceof ConnectionError)) throw error;
      return { settled: 0, refused: [], problem: error.message };
    }
  }

  close(): Promise<void> {
    return this.#connection.end(END_PATIENCE_MS);
  }
}
