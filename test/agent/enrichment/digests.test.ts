import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { DigestCache } from '../../../agent/enrichment/digests.ts';
import { CLOCK_SLACK_MS } from '../../../agent/enrichment/hashing/limits.ts';
import { execEvent } from '../../support/fake-helper.ts';

function program(t: ExecutionContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'probes-digests-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  copyFileSync('/bin/ls', join(folder, 'ls'));
  chmodSync(join(folder, 'ls'), 0o755);
  return join(folder, 'ls');
}
const sum = (tool: string, file: string): string => execFileSync(tool, [file], { encoding: 'utf8' }).split(' ', 1)[0]!;

test('digests are those of the tools that everybody has; a file is hashed once, and again when it changed', (t) => {
  const exe = program(t);
  const cache = new DigestCache();
  const expected = { md5: sum('md5sum', exe), sha1: sum('sha1sum', exe), sha256: sum('sha256sum', exe) };
  t.deepEqual(cache.of(execEvent(1, { exe })), expected);
  t.deepEqual(cache.of(execEvent(2, { exe })), expected);
  t.deepEqual(cache.counts, { hashed: 1, impossible: 0, skipped: 0 });
  writeFileSync(exe, 'another');
  t.is(cache.of(execEvent(3, { exe }))?.sha256, sum('sha256sum', exe));
  t.is(cache.counts.hashed, 2);
});

test('a path that is another file here, or none, is not hashed', (t) => {
  const exe = program(t);
  const cache = new DigestCache();
  const others = [{ flags: ['deleted'] }, { flags: ['memfd'] }, { flags: ['chroot'] }, { raw: { exe: 'L3RtcC//' } }];
  for (const elsewhere of [{ ns: { mnt: 7 } }, ...others])
    t.is(cache.of(execEvent(1, { exe, ...elsewhere })), undefined);
  t.is(cache.counts.impossible, 0);
  t.is(cache.of(execEvent(1, { exe: '/no/such/file' })), undefined);
  t.is(cache.of(execEvent(1, { exe: '/dev/zero' })), undefined);
  t.is(cache.of(execEvent(1, { exe: '/tmp' })), undefined);
  t.deepEqual(cache.counts, { hashed: 0, impossible: 3, skipped: 0 });
});

test('outputs get no digests of a file that changed after the exec', (t) => {
  const exe = program(t);
  const cache = new DigestCache();
  for (const [before, isKnown] of [
    [0, true],
    [10 * CLOCK_SLACK_MS, false],
  ] as const) {
    const event = execEvent(1, { exe, time: new Date(Date.now() - before).toISOString() });
    const digests = cache.of(event);
    t.is(digests?.sha256, sum('sha256sum', exe));
    t.deepEqual(cache.justFound(event), isKnown ? digests : undefined);
  }
});

test('a file beyond the largest size is not hashed, and is not looked at again', (t) => {
  const exe = program(t);
  const cache = new DigestCache({ maxBytes: 1000 });
  t.is(cache.of(execEvent(1, { exe })), undefined);
  t.is(cache.of(execEvent(1, { exe })), undefined);
  t.deepEqual(cache.counts, { hashed: 0, impossible: 1, skipped: 0 });
});

test('hashing takes no more than its share of time: what is beyond it goes without, and is counted', (t) => {
  const exe = program(t);
  const cache = new DigestCache();
  const large = 'x'.repeat(64 * 1024 * 1024);
  for (let i = 0; i < 1000 && cache.counts.skipped === 0; i++) {
    writeFileSync(exe, `${i}${large}`);
    cache.of(execEvent(1, { exe }));
  }
  t.true(cache.counts.hashed > 0 && cache.counts.skipped > 0);
});
