import { VERSION } from '../../../../shared/version.ts';
import { Connection, type ConnectOptions } from '../connection.ts';
import type { Messages, Sent, Session } from '../session.ts';
import { FrameReader, frameOf, type Frame } from './frame.ts';

/** The most messages without an answer: librelp's own window. */
const WINDOW = 128;

/** About how many bytes of messages are joined to one write. */
const CHUNK_BYTES = 64 * 1024;

/** The last number of a transaction; 1 follows. */
const LAST_TRANSACTION = 999_999_999;

/** How long the receiver may take to answer `close`, in milliseconds. */
const CLOSE_PATIENCE_MS = 1000;

const OFFERS = Buffer.from(`relp_version=0\nrelp_software=platform-probes,${VERSION}\ncommands=syslog`);
const NOTHING = Buffer.alloc(0);

const NO_RELP = 'the receiver does not answer in RELP; check address and transport, and whether it wants TLS';
const REFUSED = 2;
const TAKEN = 1;

/** Messages on their way, and what is known of each. */
interface Round {
  readonly messages: Messages;
  /** 0 for those that are not answered. */
  readonly answers: Uint8Array;
  /** Transactions that wait for an answer, and the message of each. */
  readonly waiting: Map<number, number>;
  /** Messages that were sent, from the first on. */
  next: number;
  /** Messages that are answered, from the first on. */
  settled: number;
}

/**
 * RELP, version 0: each message is a transaction that the receiver answers, with 200 when it has taken it. See "The RELP
 * Protocol" in the documentation of librelp.
 */
export class RelpSession implements Session {
  readonly isAcknowledged = true;
  readonly #connection: Connection;
  readonly #timeoutMs: number;
  readonly #reader = new FrameReader();
  #transaction: number;
  #round: Round | undefined;
  #isWriting = false;
  /** Called with the answer to `open` or `close`. */
  #onReply: ((data: string) => void) | undefined;
  /** Called when something is answered or has left, and when the connection ends. */
  #wake: () => void = () => undefined;

  private constructor(connection: Connection, timeoutMs: number, transaction: number) {
    this.#connection = connection;
    this.#timeoutMs = timeoutMs;
    this.#transaction = transaction;
    connection.onData = (piece) => this.#read(piece);
    connection.onChange = () => this.#wake();
  }

  /**
   * @param transaction the number of the first transaction
   * @throws {ConnectionError} when there is no session in time; the message says why
   */
  static async open(options: ConnectOptions, transaction = 1): Promise<RelpSession> {
    const session = new RelpSession(await Connection.open(options), options.timeoutMs, transaction);
    const data = await session.#ask('open', OFFERS, options.timeoutMs);
    if (data !== undefined) session.#greet(data);
    if (session.#connection.problem !== undefined) throw session.#connection.problem;
    return session;
  }

  #greet(data: string): void {
    const [first = '', ...offers] = data.split('\n');
    const commands = offers.find((offer) => offer.startsWith('commands='))?.slice('commands='.length);
    if (statusOf(first) !== 200) this.#connection.fail(`the receiver refuses the session: ${answerText(first)}`);
    else if (commands?.split(',').includes('syslog') === false)
      this.#connection.fail('the receiver takes no syslog over RELP');
  }

  get problem(): string | undefined {
    return this.#connection.problem?.message;
  }

  async send(messages: Messages): Promise<Sent> {
    const { count } = messages;
    const round: Round = { messages, answers: new Uint8Array(count), waiting: new Map(), next: 0, settled: 0 };
    this.#round = round;
    while (round.settled < count && this.problem === undefined) {
      this.#fill(round);
      await this.#progress();
    }
    this.#round = undefined;
    const refused: number[] = [];
    for (let i = 0; i < round.settled; i++) if (round.answers[i] === REFUSED) refused.push(i);
    const { settled } = round;
    const { problem } = this;
    return settled === count || problem === undefined ? { settled, refused } : { settled, refused, problem };
  }

  /** Sends further messages, as many as the window allows and one write should hold. */
  #fill(round: Round): void {
    if (this.#isWriting) return;
    const { messages, waiting } = round;
    const pieces: Uint8Array[] = [];
    for (let bytes = 0; round.next < messages.count && waiting.size < WINDOW && bytes < CHUNK_BYTES;) {
      const message = messages.at(round.next);
      const transaction = this.#nextTransaction();
      waiting.set(transaction, round.next++);
      pieces.push(...frameOf(transaction, 'syslog', ...message));
      bytes += message[0].length + message[1].length;
    }
    if (pieces.length > 0) void this.#write(pieces);
  }

  async #write(pieces: readonly Uint8Array[]): Promise<void> {
    this.#isWriting = true;
    // The connection then has ended, and says why.
    await this.#connection.write(pieces).catch(() => undefined);
    this.#isWriting = false;
    this.#wake();
  }

  #nextTransaction(): number {
    const transaction = this.#transaction;
    this.#transaction = transaction === LAST_TRANSACTION ? 1 : transaction + 1;
    return transaction;
  }

  /** Resolves when there is progress; without any in time, it ends the connection. */
  async #progress(): Promise<void> {
    if (this.problem !== undefined) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wake = resolve;
    const timer = setTimeout(() => this.#connection.fail('no answer in time (timeout)'), this.#timeoutMs);
    await promise.finally(() => clearTimeout(timer));
  }

  /** Sends a command that is no message. @returns the answer; undefined when the connection ends before, or has to */
  async #ask(command: string, data: Uint8Array, patienceMs: number): Promise<string | undefined> {
    if (this.problem !== undefined) return undefined;
    const { promise, resolve } = Promise.withResolvers<string | undefined>();
    this.#onReply = resolve;
    this.#wake = () => this.problem === undefined || resolve(undefined);
    const timer = setTimeout(() => this.#connection.fail('no answer in time (timeout)'), patienceMs);
    void this.#write(frameOf(this.#nextTransaction(), command, data));
    return promise.finally(() => {
      clearTimeout(timer);
      this.#onReply = undefined;
    });
  }

  #read(piece: Buffer): void {
    try {
      for (let frame = this.#reader.next(piece); frame !== undefined; frame = this.#reader.next()) {
        if (this.problem !== undefined) return;
        this.#take(frame);
      }
    } catch {
      this.#connection.fail(NO_RELP);
    }
  }

  #take({ transaction, command, data }: Frame): void {
    if (command === 'serverclose') return this.#connection.fail('the receiver ends the session (serverclose)');
    if (command !== 'rsp') return this.#connection.fail(NO_RELP);
    const message = this.#round?.waiting.get(transaction);
    if (message !== undefined) return this.#settle(transaction, message, data);
    if (this.#onReply === undefined) return this.#connection.fail('the receiver answers what it was not asked');
    this.#onReply(data);
  }

  #settle(transaction: number, message: number, data: string): void {
    const round = this.#round!;
    const status = statusOf(data);
    if (status !== 200 && status !== 500) return this.#connection.fail(`the receiver answers ${answerText(data)}`);
    round.waiting.delete(transaction);
    round.answers[message] = status === 200 ? TAKEN : REFUSED;
    while (round.settled < round.messages.count && round.answers[round.settled] !== 0) round.settled++;
    this.#wake();
  }

  async close(): Promise<void> {
    await this.#ask('close', NOTHING, CLOSE_PATIENCE_MS);
    this.#connection.fail('closed');
  }
}

/** The status at the begin of an answer; undefined where there is none. */
function statusOf(data: string): number | undefined {
  const [, digits] = /^(\d{3})(?:[ \n]|$)/u.exec(data) ?? [];
  return digits === undefined ? undefined : Number(digits);
}

/** An answer without its text, which may repeat what was sent. */
function answerText(data: string): string {
  return `status ${statusOf(data) ?? 'unknown'}`;
}
