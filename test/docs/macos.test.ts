import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import test from 'ava';

import { COMPLAINTS_PER_MINUTE, MAX_COMPLAINT_BYTES } from '../../helper/limits.ts';
import { tableOf } from '../support/markdown.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
const read = (file: string): string => readFileSync(path.join(ROOT, file), 'utf8');

test('docs/macos.md lists every code of a finding on macOS', (t) => {
  const sources = [
    ...globSync('helper/macos/audit/*.ts', { cwd: ROOT }),
    'helper/audit/files.ts',
    'helper/unix/audit-socket.ts',
  ];
  const used = sources.flatMap((file) => [...read(file).matchAll(/code: '(\w+)'/gu)].map((match) => match[1] ?? ''));
  const listed = tableOf(read('docs/macos.md'), 'The audit').flatMap((row) =>
    [...(row['code'] ?? '').matchAll(/`(\w+)`/gu)].map((match) => match[1] ?? ''),
  );
  t.deepEqual(listed.toSorted(), [...new Set(used)].toSorted());
});

test('docs/attack-surface.md states how much of a tracer reaches the log, as the code has it', (t) => {
  t.true(
    read('docs/attack-surface.md').includes(
      `${COMPLAINTS_PER_MINUTE} lines a minute of ${MAX_COMPLAINT_BYTES.toLocaleString('en')} bytes`,
    ),
  );
});
