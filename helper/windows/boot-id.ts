import type { Koffi } from '../koffi.ts';
import type { SystemClocks } from '../stream/clock.ts';

/** KUSER_SHARED_DATA, mapped at the same place in every process; ntddk.h. */
const SHARED_DATA = 0x7ffe_0000n;
const BOOT_ID_OFFSET = 0x2c4n;

/**
 * Names this boot of this machine: the boot's number, which the loader counts (Windows 10 and later); otherwise the
 * minute in which the boot began.
 */
export function readBootId(koffi: Koffi, clocks: SystemClocks): string {
  const number = new DataView(koffi.view(SHARED_DATA + BOOT_ID_OFFSET, 4)).getUint32(0, true);
  if (number !== 0) return `boot-${number}`;
  const began = clocks.wall().seconds - clocks.boot().seconds;
  return `boot-at-${new Date(Math.round(began / 60) * 60_000).toISOString()}`;
}
