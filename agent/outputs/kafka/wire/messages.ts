import type { Decoder } from './decoder.ts';
import { Encoder } from './encoder.ts';

/**
 * An API, and the versions of it that are spoken here: none of the flexible ones, which are newer and say nothing more that is
 * needed. Brokers from 0.11 (2017) to 4.x understand them. kafka.apache.org/protocol has every field.
 */
export interface Api {
  readonly name: string;
  readonly key: number;
  readonly min: number;
  readonly max: number;
}

export const API = {
  produce: { name: 'Produce', key: 0, min: 3, max: 7 },
  metadata: { name: 'Metadata', key: 3, min: 1, max: 7 },
  saslHandshake: { name: 'SaslHandshake', key: 17, min: 1, max: 1 },
  apiVersions: { name: 'ApiVersions', key: 18, min: 0, max: 0 },
  saslAuthenticate: { name: 'SaslAuthenticate', key: 36, min: 0, max: 1 },
} as const satisfies Readonly<{ [name: string]: Api }>;

/** The first version of Produce that may carry zstd (KIP-110). */
export const PRODUCE_WITH_ZSTD = 7;

/** Waits for all replicas that are in sync. */
const ACKS_ALL = -1;

/** A request's header, version 1, without the length in front. */
export function requestHeader(api: Api, version: number, correlation: number, client: string): Buffer {
  return new Encoder().int16(api.key).int16(version).int32(correlation).string(client).finish();
}

/** Versions that a broker speaks, by the number of the API. */
export type Versions = ReadonlyMap<number, { readonly min: number; readonly max: number }>;

export function readApiVersions(reply: Decoder): { error: number; versions: Versions } {
  const error = reply.int16();
  const entries = reply.array(() => [reply.int16(), { min: reply.int16(), max: reply.int16() }] as const);
  return { error, versions: new Map(entries) };
}

/** Asks for a topic, and for it not to be made where it does not exist; before version 4 the broker alone decides that. */
export function metadataRequest(version: number, topic: string): Buffer {
  const request = new Encoder().int32(1).string(topic);
  if (version >= 4) request.int8(0);
  return request.finish();
}

interface TopicPartition {
  readonly error: number;
  readonly id: number;
  /** Node of its leader; -1 where it has none. */
  readonly leader: number;
}

export interface Metadata {
  readonly brokers: ReadonlyArray<{ readonly node: number; readonly host: string; readonly port: number }>;
  readonly topics: ReadonlyArray<{
    readonly error: number;
    readonly name: string;
    readonly partitions: readonly TopicPartition[];
  }>;
}

export function readMetadata(reply: Decoder, version: number): Metadata {
  const numbers = (): number[] => reply.array(() => reply.int32());
  if (version >= 3) reply.int32();
  const brokers = reply.array(() => {
    const broker = { node: reply.int32(), host: reply.string(), port: reply.int32() };
    reply.nullableString();
    return broker;
  });
  if (version >= 2) reply.nullableString();
  reply.int32();
  const topics = reply.array(() => {
    const topic = { error: reply.int16(), name: reply.string() };
    reply.int8();
    const partitions = reply.array(() => {
      const partition = { error: reply.int16(), id: reply.int32(), leader: reply.int32() };
      if (version >= 7) reply.int32();
      numbers();
      numbers();
      if (version >= 5) numbers();
      return partition;
    });
    return { ...topic, partitions };
  });
  return { brokers, topics };
}

/**
 * One batch for one partition, to be confirmed by all replicas in sync. Two pieces, to be sent one behind the other.
 * @param timeoutMs how long the leader waits for the replicas
 */
export function produceRequest(topic: string, partition: number, batch: Buffer, timeoutMs: number): Buffer[] {
  const head = new Encoder().int16(-1).int16(ACKS_ALL).int32(timeoutMs);
  head.int32(1).string(topic).int32(1).int32(partition).int32(batch.length);
  return [head.finish(), batch];
}

export interface Produced {
  readonly topic: string;
  readonly partitions: ReadonlyArray<{ readonly id: number; readonly error: number; readonly offset: number }>;
}

export function readProduced(reply: Decoder, version: number): { topics: readonly Produced[]; throttleMs: number } {
  const topics = reply.array(() => ({
    topic: reply.string(),
    partitions: reply.array(() => {
      const partition = { id: reply.int32(), error: reply.int16(), offset: reply.int64() };
      reply.int64();
      if (version >= 5) reply.int64();
      return partition;
    }),
  }));
  return { topics, throttleMs: reply.int32() };
}

export function saslHandshakeRequest(mechanism: string): Buffer {
  return new Encoder().string(mechanism).finish();
}

export function readSaslHandshake(reply: Decoder): { error: number; mechanisms: readonly string[] } {
  return { error: reply.int16(), mechanisms: reply.array(() => reply.string()) };
}

export function saslAuthenticateRequest(message: Buffer): Buffer {
  return new Encoder(message.length + 4).lengthPrefixed(message).finish();
}

export interface SaslReply {
  readonly error: number;
  readonly message: Buffer;
  /** How long the connection may live, in milliseconds; 0 without an end. */
  readonly lifetimeMs: number;
}

export function readSaslAuthenticate(reply: Decoder, version: number): SaslReply {
  const error = reply.int16();
  reply.nullableString();
  const message = reply.lengthPrefixed();
  return { error, message, lifetimeMs: version >= 1 ? reply.int64() : 0 };
}
