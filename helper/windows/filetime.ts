import type { Moment } from '../stream/clock.ts';

/** 100 ns from 1601 to 1970. */
const UNIX_EPOCH = 116_444_736_000_000_000n;
const PER_SECOND = 10_000_000n;

/** The last moment of 9999: RFC 3339 has no year after it. */
const LAST = 2_650_467_743_999_999_999n;

/** Unix time of a FILETIME: 100 nanoseconds since 1601, UTC. Earlier times become 1970, later ones the end of 9999. */
export function momentOf(filetime: bigint): Moment {
  const known = filetime < LAST ? filetime : LAST;
  const since = known > UNIX_EPOCH ? known - UNIX_EPOCH : 0n;
  return { seconds: Number(since / PER_SECOND), nanoseconds: Number(since % PER_SECOND) * 100 };
}

/** Converts a FILETIME to microseconds since 1970; undefined for a time that a number cannot hold exactly. */
export function unixMicroseconds(filetime: bigint): number | undefined {
  const since = filetime > UNIX_EPOCH ? Number((filetime - UNIX_EPOCH) / 10n) : 0;
  return Number.isSafeInteger(since) ? since : undefined;
}
