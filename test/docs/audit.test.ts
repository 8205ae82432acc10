import { globSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import test from 'ava';
import { runHelper, startHelper } from '../support/helper-process.ts';
import { tableOf } from '../support/markdown.ts';
import { kernelTest } from '../support/requirements.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
const PAGE = readFileSync(path.join(ROOT, 'docs/audit.md'), 'utf8');

test('docs/audit.md lists every code of a finding, and none that the code does not have', (t) => {
  const used = [
    ...globSync('helper/linux/audit/*.ts', { cwd: ROOT }),
    'helper/audit/files.ts',
    'helper/unix/audit-socket.ts',
  ].flatMap((file) =>
    [...readFileSync(path.join(ROOT, file), 'utf8').matchAll(/code: '(\w+)'/gu)].map((match) => match[1] ?? ''),
  );
  const listed = tableOf(PAGE, 'Findings');
  t.deepEqual(listed.map((row) => (row['code'] ?? '').replaceAll('`', '')).toSorted(), [...new Set(used)].toSorted());
  for (const row of listed) t.true((row['meaning'] ?? '') !== '' && (row['what to do'] ?? '') !== '', row['code']);
});

/** The paths of a report, down to the facts of its parts. */
function pathsOf(report: Record<string, unknown>): [path: string, type: string][] {
  const typeOf = (value: unknown): string => (Array.isArray(value) ? 'array' : typeof value);
  return Object.entries(report).flatMap(([name, value]): [string, string][] =>
    typeOf(value) === 'object'
      ? Object.entries(value as object).map(([fact, inner]) => [`${name}.${fact}`, typeOf(inner)])
      : [[name, typeOf(value)]],
  );
}

kernelTest(
  'docs/audit.md lists every field of a real report with its type, and the exit codes are as it says',
  async (t) => {
    const helper = await startHelper(['--pin']);
    const pins = `/sys/fs/bpf/${path.basename(path.dirname(helper.socket))}`;
    try {
      const { code, stdout } = await runHelper(['audit', '--json', '--socket', helper.socket]);
      t.is(code, 0, stdout);
      const report = JSON.parse(stdout) as Record<string, Record<string, unknown>>;
      const rows = tableOf(PAGE, 'JSON').map((row): [string, string] => [
        (row['path'] ?? '').replaceAll('`', ''),
        row['type'] ?? '',
      ]);
      t.deepEqual(rows.toSorted(), pathsOf(report).toSorted());
      const meaning = (name: string): string =>
        tableOf(PAGE, 'JSON').find((row) => row['path'] === `\`${name}\``)?.['meaning'] ?? '';
      const inner = ['files.files', 'kernel.attached', 'kernel.maps', 'kernel.counters', 'pipe.clients'].map(
        (name): [string, unknown] => {
          const [part = '', fact = ''] = name.split('.');
          const value = report[part]?.[fact];
          return [name, Array.isArray(value) ? value[0] : value];
        },
      );
      for (const [name, value] of inner)
        for (const field of Object.keys(value as object))
          t.true(meaning(name).includes(`\`${field}\``), `${field} of ${name}`);
    } finally {
      await helper.stop();
      rmSync(pins, { recursive: true, force: true });
    }
    t.is((await runHelper(['audit', '--json', '--socket', helper.socket])).code, 1);
    t.is((await runHelper(['audit', '--no-such-flag'])).code, 2);
    t.is((await runHelper(['audit'], { uid: 4242 })).code, 3);
  },
);
