import { AppendError, at, joined } from './append-error.ts';
import { Deadline } from './deadline.ts';
import { BrokerError, CODE } from './error-codes.ts';
import { Link, nameOf, type Address } from './link.ts';
import { authenticate, type Access } from './sasl.ts';
import { MalformedReplyError } from './wire/decoder.ts';
import {
  API,
  metadataRequest,
  produceRequest,
  readApiVersions,
  readMetadata,
  readProduced,
  type Api,
  type Versions,
} from './wire/messages.ts';
import { partitionOf } from './wire/murmur2.ts';

/** How long it counts who leads the partition, in milliseconds; also how soon new partitions are used. */
const METADATA_AGE_MS = 300_000;

/** Of its lifetime a connection is used so much; it is then replaced before the broker ends it. */
const LIFETIME_SHARE = 0.8;

/** Of the time that is left, the leader may wait so much for the replicas: its answer has to come back too. */
const SHARE_FOR_REPLICAS = 0.8;

/** A host as a broker may name it: messages repeat it. */
const HOST = /^[A-Za-z0-9._:%-]{1,255}$/u;

/** A connection that was let in. */
interface Session {
  readonly link: Link;
  readonly versions: Versions;
  /** When it should be replaced, on the clock of `performance.now`. */
  readonly replaceAt: number;
  /** Whether a request has worked on it. */
  used: boolean;
}

interface Leader {
  readonly partition: number;
  readonly until: number;
}

export interface ClusterOptions {
  /** Those to ask first; one at least. */
  readonly brokers: readonly Address[];
  readonly topic: string;
  /** Decides about the partition. */
  readonly key: Uint8Array;
  /** The oldest version of Produce that will do. */
  readonly leastProduce: number;
  /** For one batch, from connecting to the reply's last byte, in milliseconds. */
  readonly timeoutMs: number;
}

/** The answer to a batch. */
export interface Appended {
  /** 0 when all replicas in sync have it. */
  readonly error: number;
  /** How long the broker asks to wait before the next one, in milliseconds. */
  readonly throttleMs: number;
}

/**
 * The brokers of a cluster, as far as one partition needs them: finds its leader and appends batches there, one at a time.
 * Has one connection at most.
 */
export class Cluster {
  readonly #options: ClusterOptions;
  #access: Access = { tls: undefined, sasl: undefined };
  #session: Session | undefined;
  #leader: Leader | undefined;
  /** The broker to ask first. */
  #next = 0;

  constructor(options: ClusterOptions) {
    this.#options = options;
  }

  /** From now on connections are made like this. */
  use(access: Access): void {
    this.#access = access;
    this.close();
  }

  /**
   * Appends a batch.
   * @throws {AppendError} when nobody answered for it: it may be there or not
   */
  async append(batch: Buffer): Promise<Appended> {
    const deadline = new Deadline(this.#options.timeoutMs);
    const wasUsed = this.#session?.used === true;
    try {
      try {
        return await this.#appendOnce(batch, deadline);
      } catch (error) {
        // The broker may have closed an idle connection just then.
        if (!(wasUsed && error instanceof AppendError && error.cutOff)) throw error;
        this.close();
        return await this.#appendOnce(batch, deadline);
      }
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /**
   * Connects to the broker that leads the partition, and appends nothing.
   * @throws {AppendError} when there is none that lets us in
   */
  async find(): Promise<{ address: Address; partition: number }> {
    const { link, partition } = await this.#leading(new Deadline(this.#options.timeoutMs));
    return { address: link.address, partition };
  }

  async #appendOnce(batch: Buffer, deadline: Deadline): Promise<Appended> {
    const { topic, leastProduce } = this.#options;
    const { link, versions, partition } = await this.#leading(deadline);
    const timeout = Math.ceil(deadline.left * SHARE_FOR_REPLICAS);
    const { answer, throttleMs } = await at(
      link.address,
      async () => {
        const version = versionOf({ ...API.produce, min: leastProduce }, versions);
        const request = produceRequest(topic, partition, batch, timeout);
        const reply = readProduced(await link.request(API.produce, version, request, deadline.left), version);
        const [first, ...others] = reply.topics.flatMap((entry) => (entry.topic === topic ? entry.partitions : []));
        if (first?.id !== partition || others.length > 0) throw new MalformedReplyError();
        return { answer: first, throttleMs: reply.throttleMs };
      },
      { hasBatch: true },
    );
    if (this.#session !== undefined) this.#session.used = true;
    // Another broker may lead by now; asking costs little.
    if (answer.error !== CODE.none) this.#leader = undefined;
    return { error: answer.error, throttleMs };
  }

  /** A session with the broker that leads the partition. */
  async #leading(deadline: Deadline): Promise<Session & { partition: number }> {
    const now = performance.now();
    let session = this.#session;
    if (session !== undefined && (!session.link.isOpen || session.replaceAt <= now)) {
      session.link.close();
      this.#session = session = undefined;
    }
    if (session !== undefined && this.#leader !== undefined && now < this.#leader.until)
      return { ...session, partition: this.#leader.partition };
    const { partition, address } = await this.#locate(deadline);
    session = this.#session!;
    if (nameOf(session.link.address) !== nameOf(address)) {
      this.close();
      this.#session = session = await this.#open(address, deadline);
    }
    this.#leader = { partition, until: performance.now() + METADATA_AGE_MS };
    return { ...session, partition };
  }

  /** Asks who leads the partition: the broker that we are connected to, or the first of the configured ones that answers. */
  async #locate(deadline: Deadline): Promise<{ partition: number; address: Address }> {
    const session = this.#session;
    if (session !== undefined) {
      try {
        return await this.#ask(session, deadline);
      } catch (error) {
        if (deadline.isOver || isAnswer(error)) throw error;
        this.close();
      }
    }
    const { brokers } = this.#options;
    const errors: AppendError[] = [];
    for (let tried = 0; tried < brokers.length && (tried === 0 || !deadline.isOver); tried++) {
      const address = brokers[(this.#next + tried) % brokers.length]!;
      const share = deadline.shareFor(brokers.length - tried);
      try {
        this.#session = await this.#open(address, share);
        const found = await this.#ask(this.#session, share);
        this.#next = brokers.indexOf(address);
        return found;
      } catch (error) {
        this.close();
        if (!(error instanceof AppendError)) throw error;
        errors.push(error);
        if (isAnswer(error)) break;
      }
    }
    this.#next = (this.#next + 1) % brokers.length;
    throw joined(errors);
  }

  #ask({ link, versions }: Session, deadline: Deadline): Promise<{ partition: number; address: Address }> {
    const { topic: name, key } = this.#options;
    const ask = async (): Promise<{ partition: number; address: Address }> => {
      const version = versionOf(API.metadata, versions);
      const reply = await link.request(API.metadata, version, [metadataRequest(version, name)], deadline.left);
      const { brokers, topics } = readMetadata(reply, version);
      const topic = topics.find((entry) => entry.name === name);
      if (topic === undefined) throw new MalformedReplyError();
      if (topic.error !== CODE.none) throw new BrokerError(topic.error);
      if (topic.partitions.length === 0) throw new BrokerError(CODE.leaderNotAvailable);
      const partition = partitionOf(key, topic.partitions.length);
      const found = topic.partitions.find(({ id }) => id === partition);
      if (found === undefined) throw new MalformedReplyError();
      const leader = brokers.find(({ node }) => node === found.leader);
      if (found.leader < 0 || leader === undefined)
        throw new BrokerError(found.error === CODE.none ? CODE.leaderNotAvailable : found.error);
      const { host, port } = leader;
      if (!HOST.test(host) || port < 1 || port > 65_535) throw new MalformedReplyError();
      return { partition, address: { host, port } };
    };
    return at(link.address, ask, { hint: this.#hint });
  }

  /** Connects, asks for the versions, and authenticates. */
  #open(address: Address, deadline: Deadline): Promise<Session> {
    const { tls, sasl } = this.#access;
    const open = async (): Promise<Session> => {
      const link = await Link.open(address, tls, deadline.left);
      try {
        const { error, versions } = readApiVersions(await link.request(API.apiVersions, 0, [], deadline.left));
        if (error !== CODE.none) throw new BrokerError(error);
        let replaceAt = Infinity;
        if (sasl !== undefined) {
          const version = versionOf(API.saslAuthenticate, versions);
          const lifetimeMs = await authenticate(link, sasl, version, () => deadline.left);
          if (lifetimeMs > 0) replaceAt = performance.now() + lifetimeMs * LIFETIME_SHARE;
        }
        return { link, versions, replaceAt, used: false };
      } catch (error) {
        link.close();
        throw error;
      }
    };
    return at(address, open, { hint: this.#hint });
  }

  /** A broker ends the connection without a word when it expects something else. */
  get #hint(): string {
    const { tls, sasl } = this.#access;
    const missing = [sasl === undefined ? 'auth' : '', tls === undefined ? 'tls' : ''].filter((key) => key !== '');
    return missing.length === 0 ? '' : `; does that port ask for ${missing.join(' or ')}?`;
  }

  /** Ends the connection. The next batch makes another. */
  close(): void {
    this.#session?.link.close();
    this.#session = undefined;
    this.#leader = undefined;
  }
}

/** The newest version of an API that both sides speak. @throws {BrokerError} where there is none */
function versionOf(api: Api, versions: Versions): number {
  const { min, max } = versions.get(api.key) ?? { min: 0, max: -1 };
  const version = Math.min(api.max, max);
  if (version < Math.max(api.min, min))
    throw new BrokerError(
      CODE.unsupportedVersion,
      max < 0
        ? `it does not speak ${api.name}`
        : `it speaks ${api.name} ${min} to ${max}, not ${api.min} to ${api.max}`,
    );
  return version;
}

/** Whether a broker gave an error as its answer. Others would give the same, as a rule. */
function isAnswer(error: unknown): boolean {
  return error instanceof AppendError && error.cause instanceof BrokerError;
}
