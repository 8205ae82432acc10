import test from 'ava';
import { parseConfig } from '../../../agent/config/load.ts';

const parse = (store: string, more = ''): ReturnType<typeof parseConfig> =>
  parseConfig(`store: ${store}\n${more}outputs:\n  - { name: screen, type: stdout }\n`, 'agent.yaml');

test('a store needs its folder alone', (t) => {
  const result = parse('{ folder: /var/lib/probes/store }');
  t.true(result.ok);
  if (result.ok)
    t.deepEqual(result.config.store, {
      folder: '/var/lib/probes/store',
      max_bytes: 1024 ** 3,
      max_age: 30 * 86_400_000,
    });
});

for (const [store, more, message] of [
  ['{}', '', 'store.folder: missing'],
  ['{ folder: store }', '', 'store.folder: expected an absolute path, got "store"'],
  ['{ folder: /s, max_bytes: 1MiB }', '', 'store.max_bytes: expected 256MiB to 16TiB, got "1MiB"'],
  ['{ folder: /s, max_age: 1s }', '', 'store.max_age: expected 1h to 3650d, got "1s"'],
  ['{ folder: /s, max_size: 1GiB }', '', 'store.max_size: unknown key'],
  ['{ folder: /s }', 'spool: { folder: /s }\n', 'store.folder: it is the folder of the spool; the store needs its own'],
  [
    '{ folder: /s/ }',
    'spool: { folder: /t/../s }\n',
    'store.folder: it is the folder of the spool; the store needs its own',
  ],
] as const)
  test(`store: ${store} is refused`, (t) => {
    const result = parse(store, more);
    t.false(result.ok);
    if (!result.ok) {
      const said = result.problems.map(({ path, message: text }) => `${path}: ${text}`);
      t.true(
        said.some((each) => each.startsWith(message)),
        said.join('\n'),
      );
    }
  });

test('no output can have the name of the store, and none can be of its type', (t) => {
  const named = parseConfig('store: { folder: /s }\noutputs:\n  - { name: store, type: stdout }\n', 'agent.yaml');
  t.false(named.ok);
  if (!named.ok)
    t.deepEqual(
      named.problems.map(({ path, message }) => [path, message]),
      [['outputs[0].name', '"store" is the name of the store; choose another']],
    );
  t.true(parseConfig('outputs:\n  - { name: store, type: stdout }\n', 'agent.yaml').ok);
  t.false(parseConfig('outputs:\n  - { name: a, type: store, folder: /s }\n', 'agent.yaml').ok);
});
