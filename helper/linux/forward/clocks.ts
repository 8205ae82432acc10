import type { SystemClocks } from '../../stream/clock.ts';
import type { Libc } from '../libc.ts';

/** clock_gettime(2) ids. */
const CLOCK_REALTIME = 0;
const CLOCK_BOOTTIME = 7;

export const linuxClocks = (libc: Pick<Libc, 'clock'>): SystemClocks => ({
  boot: () => libc.clock(CLOCK_BOOTTIME),
  wall: () => libc.clock(CLOCK_REALTIME),
});
