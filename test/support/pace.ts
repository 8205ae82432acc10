// The setting of the kernel matrix (test/kernels/run.ts) for machines whose every instruction is emulated.

/** Time limits are multiplied by this. */
export const PATIENCE = Number(process.env['PROBES_TEST_PATIENCE'] ?? 1);

const PERCENT = Number(process.env['PROBES_TEST_STORM_PERCENT'] ?? 100);

/** How many execs make a storm: so many on a real machine, a share of that on an emulated one, but never fewer than `least`. */
export function stormOf(execs: number, least = 100): number {
  return PERCENT === 100 ? execs : Math.max(Math.min(least, execs), Math.round((execs * PERCENT) / 100));
}
