import test from 'ava';
import { releaseMappings, unchangedMappings } from '../../../shared/linux/program-pages.ts';

/** A mapping as /proc/self/smaps describes it, with the lines that matter here. */
const mapping = (line: string, { anonymous = 0, swap = 0, dirty = 0 } = {}): string =>
  `${line}\nSize:                 64 kB\nPrivate_Dirty: ${String(dirty).padStart(8)} kB\nAnonymous: ${String(anonymous).padStart(12)} kB\nSwap: ${String(swap).padStart(17)} kB\nSwapPss: ${String(swap).padStart(14)} kB\nVmFlags: rd mr\n`;

const PROGRAM = '/usr/libexec/a program';
const SMAPS = [
  mapping(`00400000-00500000 r--p 00000000 fd:01 123     ${PROGRAM}`),
  mapping(`00500000-00a00000 r-xp 00100000 fd:01 123     ${PROGRAM}`, { dirty: 64 }),
  mapping(`00a00000-00b00000 r--p 00600000 fd:01 123     ${PROGRAM}`, { anonymous: 4 }),
  mapping(`00b00000-00c00000 r--p 00700000 fd:01 123     ${PROGRAM}`, { swap: 4 }),
  mapping(`00c00000-00d00000 rw-p 00800000 fd:01 123     ${PROGRAM}`),
  mapping(`00d00000-00e00000 r--s 00800000 fd:01 123     ${PROGRAM}`),
  mapping('7f0000000000-7f0000100000 r-xp 00000000 fd:01 9 /usr/lib/libc.so.6'),
  mapping('7f0000200000-7f0000300000 r--p 00000000 00:00 0'),
].join('');

test('the mappings to release are the unwritable ones of the program alone, without a changed page in memory or in swap', (t) => {
  t.deepEqual(unchangedMappings(SMAPS, PROGRAM), [
    { at: 0x400000n, bytes: 0x100000n },
    { at: 0x500000n, bytes: 0x500000n },
  ]);
  t.deepEqual(unchangedMappings(SMAPS, '/usr/libexec/another'), []);
  t.deepEqual(unchangedMappings('', PROGRAM), []);
});

test('each is released by a call of its own', (t) => {
  const calls: unknown[][] = [];
  releaseMappings({ madvise: (...args) => calls.push(args) }, unchangedMappings(SMAPS, PROGRAM));
  t.deepEqual(calls, [
    [0x400000n, 0x100000n, 4],
    [0x500000n, 0x500000n, 4],
  ]);
});
