import { spawnSync } from 'node:child_process';
import test from 'ava';
import { changelogEntries, debianChangelog } from '../../installers/supply-chain/changelog.ts';
import { VERSION } from '../../shared/version.ts';
import { testWith } from '../support/requirements.ts';
import { EPOCH } from './support.ts';

const MARKDOWN = `# Changelog

## Unreleased

### Added

- A [link](docs/x.md) and \`code\`
  over two lines.
- **Second.**

## 0.0.2 – 2024-02-03

- Old: without a heading.

## 0.0.1 - 2024-01-02

### Fixed

- First.
`;

test('points become lines of text, each under its version', (t) => {
  t.deepEqual(changelogEntries(EPOCH, MARKDOWN), [
    { version: VERSION, time: EPOCH, changes: ['Added: A link and code over two lines.', 'Added: Second.'] },
    { version: '0.0.2', time: Date.UTC(2024, 1, 3) / 1000, changes: ['Old: without a heading.'] },
    { version: '0.0.1', time: Date.UTC(2024, 0, 2) / 1000, changes: ['Fixed: First.'] },
  ]);
});

test('the version that is made has all that is not released, and its own section', (t) => {
  const text = `## Unreleased\n\n- A.\n\n## ${VERSION} – not released\n\n- B.\n`;
  t.deepEqual(changelogEntries(EPOCH, text), [{ version: VERSION, time: EPOCH, changes: ['A.', 'B.'] }]);
  const released = `## ${VERSION} – 2024-01-02\n\n- B.\n`;
  t.deepEqual(changelogEntries(EPOCH, released), [{ version: VERSION, time: EPOCH, changes: ['B.'] }]);
});

test('a heading that says neither is an error that names it', (t) => {
  t.throws(() => changelogEntries(EPOCH, '## 0.0.1 – soon\n\n- A.\n'), { message: /"0\.0\.1 – soon"/u });
});

test('CHANGELOG.md has something to say about the version that is made', (t) => {
  const [current] = changelogEntries(EPOCH);
  t.is(current?.version, VERSION);
  t.true(current!.changes.length > 10);
  for (const change of current!.changes) t.notRegex(change, /\]\(|`|\n/u);
});

testWith('dpkg-parsechangelog')('dpkg reads it', (t) => {
  const text = debianChangelog(changelogEntries(EPOCH, MARKDOWN), 'A B <a@b.invalid>', (version) => `${version}~x`);
  const { stdout, stderr } = spawnSync('dpkg-parsechangelog', ['-l', '-', '--all', '--show-field', 'Changes'], {
    input: text,
    encoding: 'utf8',
  });
  t.is(stderr, '');
  for (const part of [`platform-probes (${VERSION}~x) unstable`, '0.0.1~x', '* Added: A link and code over two lines.'])
    t.true(stdout.includes(part), stdout);
  t.true(text.includes(' -- A B <a@b.invalid>  Tue, 02 Jan 2024 00:00:00 +0000\n'));
  for (const line of text.split('\n')) t.true(line.length <= 80, line);
});
