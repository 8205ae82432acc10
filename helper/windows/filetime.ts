import type { Moment } from '../stream/clock.ts';

/** 100 ns from 1601 to 1970. */
const UNIX_EPOCH = 116_444_736_000_000_000n;
const PER_SECOND = 10_000_000n;

/** Unix time of a FILETIME: 100 nanoseconds since 1601, UTC. Earlier times become 1970. */
export function momentOf(filetime: bigint): Moment {
  const since = filetime > UNIX_EPOCH ? filetime - UNIX_EPOCH : 0n;
  return { seconds: Number(since / PER_SECOND), nanoseconds: Number(since % PER_SECOND) * 100 };
}

/** Converts a FILETIME to microseconds since 1970. */
export function unixMicroseconds(filetime: bigint): number {
  return filetime > UNIX_EPOCH ? Number((filetime - UNIX_EPOCH) / 10n) : 0;
}
