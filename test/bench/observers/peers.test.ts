import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { Told } from '../delivery.ts';
import { LAUREL, laurelExec } from './laurel.ts';
import { findPeer, missingPeer } from './program.ts';
import { quarkExec, quarkLost } from './quark.ts';
import { tetragonError, tetragonExec } from './tetragon.ts';

/** Lines that the program wrote: laurel 0.5.1, quark 0.7a on Linux 6.12, Tetragon of August 2026 on Linux 6.12. */
const recorded = (name: string): string[] =>
  readFileSync(new URL(`recorded/${name}.jsonl`, import.meta.url), 'utf8')
    .trimEnd()
    .split('\n');

/** As the process was started: every byte that an output writes differently is in it. */
const ECHO = ['/bin/echo', 'plain', 'two words', 'a "b" c', '100%', '%41', 'ü\n', '+', ''].join(' ');

function told(lines: readonly string[], read: (line: string) => Told | undefined): string[] {
  return lines
    .map(read)
    .flatMap((exec) => (exec === undefined ? [] : [exec.pid > 1 ? exec.args : `of process ${exec.pid}: ${exec.args}`]));
}

test('an exec of laurel has its arguments as they were, and records of other kinds are none', (t) => {
  t.deepEqual(told(recorded('laurel'), laurelExec), ['/bin/true 7 1 m1-2 -DVERSION="4.19.2-rc3+build.20250211"', ECHO]);
  t.is(recorded('laurel').length, 4);
});

test('an argument of which laurel missed a record leaves the others in their places', (t) => {
  const [line = ''] = recorded('laurel');
  const missed = line.replace('"ARGV":["/bin/true","7","1"', '"ARGV":["/bin/true",null,"1"');
  t.not(missed, line);
  t.is(laurelExec(missed)?.args, '/bin/true  1 m1-2 -DVERSION="4.19.2-rc3+build.20250211"');
});

test('an exec of quark has its arguments as they were, and a fork without one is none', (t) => {
  t.deepEqual(told(recorded('quark'), quarkExec), [
    ECHO,
    '/bin/true 7 0 m1-2 -DVERSION="4.19.2-rc3+build.20250211" -Ia -Ib',
  ]);
  t.is(recorded('quark').length, 3);
});

test('quark prints at its end how many events it lost', (t) => {
  const table = (lost: number): string =>
    `\n    insertions      removals          aggs      non-aggs          lost       gc-cols\n            27            27             9             0${String(lost).padStart(14)}             9\n`;
  t.is(quarkLost(table(0)), 0);
  t.is(quarkLost(`a warning\n${table(321)}`), 321);
  t.is(quarkLost('it was killed\n'), 0);
});

test('an exec of Tetragon has the path of its image first, and processes that ran already are none', (t) => {
  t.deepEqual(told(recorded('tetragon'), tetragonExec), [
    // Arguments with a space are in quotation marks; those inside stay as they are.
    '/bin/echo plain "two words" "a "b" c" 100% %41 ü\n + ',
    '/bin/true 7 0 m1-2 -DVERSION="4.19.2-rc3+build.20250211" -Ia -Ib',
    // Twice 128 KiB of arguments that the kernel program could not hand over.
    '/bin/true',
    '/var/tmp/bench/no-op',
  ]);
  t.is(recorded('tetragon').length, 5);
});

test('of the log of Tetragon the last error is the reason', (t) => {
  t.is(
    tetragonError(
      'level=info msg="Starting tetragon" version=1\nlevel=error msg="Failed" error="attaching \\"event_exit\\" failed"\nlevel=info msg="bye"\n',
    ),
    '"Failed" error="attaching "event_exit" failed"',
  );
  t.is(tetragonError('level=info msg="Starting tetragon" version=1\n'), '');
});

function programs(t: ExecutionContext): { folder: string; program: string } {
  const folder = mkdtempSync(path.join(tmpdir(), 'probes-peers-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  mkdirSync(path.join(folder, 'bin'));
  const program = path.join(folder, 'bin/a-peer');
  writeFileSync(program, '#!/bin/sh\n');
  chmodSync(program, 0o755);
  return { folder, program };
}

const PEER = { name: 'a-peer', variable: 'BENCH_A_PEER', how: 'Ask for it.' };

test('a program of others is what its variable names, else the first one on PATH', (t) => {
  const { folder, program } = programs(t);
  const other = path.join(folder, 'other');
  writeFileSync(other, '#!/bin/sh\n', { mode: 0o755 });
  t.is(findPeer(PEER, { PATH: `/nowhere:${path.dirname(program)}` }), program);
  t.is(findPeer(PEER, { PATH: path.dirname(program), BENCH_A_PEER: other }), other);
  t.is(findPeer(PEER, { PATH: path.dirname(program), BENCH_A_PEER: '' }), program);
  t.is(missingPeer(PEER, { PATH: path.dirname(program) }), undefined);
});

test('a program of others that is not there: how to get it, or what is wrong with the variable', (t) => {
  const { folder, program } = programs(t);
  t.is(
    missingPeer(PEER, { PATH: folder }),
    'not on this machine. Ask for it. Then put a-peer on PATH, or name its file in BENCH_A_PEER',
  );
  // A named one that cannot run is not replaced by another: the figures would be of a program that nobody asked for.
  chmodSync(program, 0o644);
  for (const named of [program, folder, path.join(folder, 'none')]) {
    t.is(
      missingPeer(PEER, { PATH: path.dirname(program), BENCH_A_PEER: named }),
      `BENCH_A_PEER names ${named}, which is not an executable file`,
    );
  }
});

test.serial('a laurel that is named and cannot run is not replaced by another one', (t) => {
  process.env['BENCH_LAUREL'] = '/nowhere/laurel';
  t.teardown(() => delete process.env['BENCH_LAUREL']);
  t.is(LAUREL.missing(), 'BENCH_LAUREL names /nowhere/laurel, which is not an executable file');
});
