import { debianRoot } from '../kernels/debian-root.ts';

/** A root file system with dtrace, which only this suite has; made again when `renew` is set. */
export const dtraceRoot = (renew: boolean): string =>
  debianRoot({ suite: 'sid', purpose: 'dtrace', packages: ['dtrace', 'kmod'] }, renew);
