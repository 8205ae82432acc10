import type { Host } from './child/host.ts';
import type { Moment } from '../stream/clock.ts';
import type { Koffi } from '../koffi.ts';
import { bindMacLibc, type MacLibc } from './libc.ts';
import { closeOnExec, macSockets, setNonBlocking } from './sockets.ts';

/** clock_gettime(3) ids. The raw monotonic clock runs while the machine sleeps, and nobody can set it. */
const CLOCK_REALTIME = 0;
const CLOCK_MONOTONIC_RAW = 4;
const UUID_BYTES = 37;

/** macOS, through its C library. */
export function macHost(koffi: Koffi): Host & { readonly libc: MacLibc } {
  const libc = bindMacLibc(koffi);
  const clock = (id: number): Moment => {
    const timespec = new BigInt64Array(2);
    if (libc.clock_gettime(id, timespec) !== 0) throw libc.failure('clock_gettime');
    return { seconds: Number(timespec[0]), nanoseconds: Number(timespec[1]) };
  };
  return {
    platform: 'darwin',
    koffi,
    libc,
    sockets: macSockets(libc),
    clocks: { boot: () => clock(CLOCK_MONOTONIC_RAW), wall: () => clock(CLOCK_REALTIME) },
    pipe() {
      const fds = [0, 0];
      if (libc.pipe(fds) !== 0) throw libc.failure('pipe');
      const [read, write] = fds as [number, number];
      if (!closeOnExec(libc, read) || !closeOnExec(libc, write)) throw libc.failure('fcntl');
      return [read, write];
    },
    setCloseOnExec(fd) {
      if (!closeOnExec(libc, fd)) throw libc.failure('fcntl');
    },
    setNonBlocking(fd) {
      if (!setNonBlocking(libc, fd)) throw libc.failure('fcntl');
    },
    bootId() {
      const uuid = Buffer.alloc(UUID_BYTES);
      if (libc.sysctlbyname('kern.bootsessionuuid', uuid, [uuid.length], null, 0) !== 0)
        throw libc.failure('sysctlbyname kern.bootsessionuuid');
      return uuid.toString('latin1').replaceAll('\0', '').toLowerCase();
    },
  };
}
