import type { Moment, SystemClocks } from '../stream/clock.ts';
import type { Windows } from './functions.ts';
import { momentOf } from './filetime.ts';

/** The interrupt time, which counts sleep, and the system time. Both in 100 nanoseconds. */
export const windowsClocks = (
  windows: Pick<Windows, 'QueryInterruptTimePrecise' | 'GetSystemTimePreciseAsFileTime'>,
): SystemClocks => ({
  boot(): Moment {
    const time = [0n];
    windows.QueryInterruptTimePrecise(time);
    const ticks = BigInt(time[0] ?? 0);
    return { seconds: Number(ticks / 10_000_000n), nanoseconds: Number(ticks % 10_000_000n) * 100 };
  },
  wall(): Moment {
    const time = [0n];
    windows.GetSystemTimePreciseAsFileTime(time);
    return momentOf(BigInt(time[0] ?? 0));
  },
});
