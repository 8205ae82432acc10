import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { Budget } from '../../../agent/enrichment/budget.ts';
import { Enrichment } from '../../../agent/enrichment/enrichment.ts';
import { ImageCache } from '../../../agent/enrichment/image-cache.ts';
import { LocalFiles } from '../../../agent/enrichment/local-files.ts';
import { createMapper, lookupsFor } from '../../../agent/rules/fields/mapper.ts';
import { execEvent } from '../../support/fake-helper.ts';
import { IMPORT_HASH, importingProgram } from '../support/importing-programs.ts';

function folder(t: ExecutionContext): string {
  const made = mkdtempSync(join(tmpdir(), 'probes-images-'));
  t.teardown(() => rmSync(made, { recursive: true }));
  return made;
}

test('rules for Windows see the import hash of a program, beside its digests', (t) => {
  const exe = join(folder(t), 'program.exe');
  writeFileSync(exe, importingProgram(64));
  const enrichment = new Enrichment({ live: true });
  const fields = new Set(['Hashes', 'Imphash', 'md5']);
  const lookups = enrichment.lookups(lookupsFor('windows', fields));
  const map = createMapper({ platform: 'windows', fields, lookups });
  const seen = map(execEvent(1, { exe }));
  t.is(seen['Imphash'], IMPORT_HASH);
  t.regex(
    String(seen['Hashes']),
    new RegExp(`^SHA1=.+,MD5=${String(seen['md5'])},SHA256=.+,IMPHASH=${IMPORT_HASH}$`, 'i'),
  );
  t.is(map(execEvent(2, { exe: '/bin/ls' }))['Imphash'], undefined);
  copyFileSync('/bin/ls', exe);
  t.is(map(execEvent(3, { exe }))['Imphash'], undefined, 'another file is read anew');
});

test('a recording has no import hashes: its files can be others', (t) => {
  t.deepEqual(new Enrichment({ live: false }).lookups(new Set(['imphash'])), {});
});

test('an image is read once, with or without a hash; caches share their time', (t) => {
  const place = folder(t);
  const file = (name: string): string => {
    writeFileSync(join(place, name), name);
    return join(place, name);
  };
  let now = 0;
  let reads = 0;
  const options = { maxBytes: Infinity, local: new LocalFiles(), budget: new Budget(1, 1000, () => now) };
  const read = (value: string | undefined) => () => {
    reads++;
    return value;
  };
  const found = new ImageCache({ ...options, read: read('hash') });
  const none = new ImageCache({ ...options, read: read(undefined) });
  const exe = file('one');
  for (const i of [1, 2, 3]) {
    t.is(found.of(execEvent(i, { exe })), 'hash');
    t.is(none.of(execEvent(i, { exe })), undefined);
  }
  t.is(reads, 2);
  t.deepEqual(found.counts, { hashed: 1, impossible: 0, skipped: 0 });
  t.deepEqual(none.counts, { hashed: 0, impossible: 1, skipped: 0 });

  options.budget.spend(2000);
  const later = file('two');
  t.is(found.of(execEvent(4, { exe: later })), undefined);
  t.is(none.of(execEvent(4, { exe: later })), undefined);
  t.deepEqual([found.counts.skipped, none.counts.skipped, reads], [1, 1, 2]);
  now += 3_000_000;
  t.is(found.of(execEvent(5, { exe: later })), 'hash', 'what was skipped is read when there is time');
});

test('an image that is written to while it is read has no hash', (t) => {
  const exe = join(folder(t), 'program');
  writeFileSync(exe, 'one');
  const cache = new ImageCache({
    maxBytes: Infinity,
    local: new LocalFiles(),
    budget: new Budget(1, 1000),
    read: () => {
      writeFileSync(exe, 'other');
      return 'hash';
    },
  });
  t.is(cache.of(execEvent(1, { exe })), undefined);
  t.deepEqual(cache.counts, { hashed: 0, impossible: 1, skipped: 0 });
});
