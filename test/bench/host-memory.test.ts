import { freemem } from 'node:os';
import test from 'ava';
import { touchFreeMemory } from './host-memory.ts';

const MIB = 1024 ** 2;
const [onLinux, note] =
  process.platform === 'linux' && freemem() > 2048 * MIB
    ? [test, '']
    : [test.skip, ' [skipped: Linux with two free GiB alone]'];

onLinux(`free memory is touched in pieces, up to the most that is asked for${note}`, (t) => {
  t.is(touchFreeMemory(200 * MIB), 192 * MIB);
  t.is(touchFreeMemory(10 * MIB), 0);
});
