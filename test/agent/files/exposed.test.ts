import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { readRuleFolders } from '../../../agent/detection/rule-files.ts';
import { exposureOf } from '../../../agent/files/exposed.ts';

const OTHER_UID = 12_345;
const root = process.getuid?.() === 0 ? test : test.skip;
const skipped = process.getuid?.() === 0 ? '' : ' [skipped: needs root]';

/** A folder of ours, with a folder of rules in it. */
class Place implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'probes-exposed-'));
  readonly rules = join(this.folder, 'rules');
  readonly file = join(this.rules, 'a.yml');

  constructor() {
    mkdirSync(this.rules, { mode: 0o755 });
    writeFileSync(this.file, 'title: x\n', { mode: 0o644 });
    chmodSync(this.rules, 0o755);
    chmodSync(this.file, 0o644);
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

test('a file that root or this user alone can change is not exposed, nor is one that is not there', (t) => {
  using place = new Place();
  t.is(exposureOf(place.file), undefined);
  t.is(exposureOf(join(place.rules, 'none')), undefined);
  t.deepEqual(readRuleFolders([place.rules]).exposed, []);
});

test('a file or folder that others can write is', (t) => {
  using place = new Place();
  chmodSync(place.file, 0o666);
  t.regex(exposureOf(place.file)!, /a\.yml can be written by others: chmod go-w/);
  t.regex(readRuleFolders([place.rules]).exposed.join(), /a\.yml can be written by others/);
  chmodSync(place.file, 0o644);
  chmodSync(place.rules, 0o777);
  t.regex(exposureOf(place.file)!, /rules has mode 0777/);
  t.regex(readRuleFolders([place.rules]).exposed.join(), /rules can be written by others/);
});

root(`so is one that another user owns, or reaches by a link of another user${skipped}`, (t) => {
  using place = new Place();
  const link = join(place.folder, 'link');
  mkdirSync(join(place.folder, 'theirs'));
  chownSync(join(place.folder, 'theirs'), OTHER_UID, OTHER_UID);
  symlinkSync(place.rules, join(place.folder, 'theirs', 'link'));
  t.regex(exposureOf(join(place.folder, 'theirs', 'link', 'a.yml'))!, /theirs belongs to uid 12345/);
  symlinkSync(place.rules, link);
  t.is(exposureOf(join(link, 'a.yml')), undefined, 'a link of ours is as good as the path');
  chownSync(place.file, OTHER_UID, OTHER_UID);
  t.regex(readRuleFolders([place.rules]).exposed.join(), /a\.yml belongs to uid 12345/);
});

test('there is a bound to what is told', (t) => {
  using place = new Place();
  for (let i = 0; i < 100; i++) {
    writeFileSync(join(place.rules, `${i}.yml`), '');
    chmodSync(join(place.rules, `${i}.yml`), 0o666);
  }
  t.is(readRuleFolders([place.rules]).exposed.length, 20);
});
