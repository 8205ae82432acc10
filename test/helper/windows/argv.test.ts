import test from 'ava';
import fc from 'fast-check';

import { splitCommandLine } from '../../../helper/windows/argv.ts';

// The table of "Parsing C command-line arguments" (Microsoft C++ reference), and argv[0].
for (const [line, argv] of [
  [`p "a b c" d e`, ['p', 'a b c', 'd', 'e']],
  [String.raw`p "ab\"c" "\\" d`, ['p', 'ab"c', '\\', 'd']],
  [String.raw`p a\\\b d"e f"g h`, ['p', String.raw`a\\\b`, 'de fg', 'h']],
  [String.raw`p a\\\"b c d`, ['p', String.raw`a\"b`, 'c', 'd']],
  [String.raw`p a\\\\"b c" d e`, ['p', String.raw`a\\b c`, 'd', 'e']],
  [`p a"b"" c d`, ['p', 'ab" c d']],
  [String.raw`"C:\Program Files\x.exe" /y`, [String.raw`C:\Program Files\x.exe`, '/y']],
  [String.raw`C:\a\"b c`, [String.raw`C:\a\b c`]],
  ['', ['']],
  ['p   ', ['p']],
  ['p "" x', ['p', '', 'x']],
] as const) {
  test(`${JSON.stringify(line)} is ${JSON.stringify(argv)}`, (t) => t.deepEqual(splitCommandLine(line), argv));
}

test('what is quoted by the rules comes back whole', (t) => {
  const quote = (argument: string): string =>
    `"${argument.replaceAll(/(\\*)("|$)/g, (_, slashes: string, end: string) => slashes + slashes + (end === '"' ? '\\"' : ''))}"`;
  fc.assert(
    fc.property(
      fc.array(fc.string({ unit: fc.constantFrom('a', ' ', '"', '\\', '\t', 'é'), maxLength: 8 }), { maxLength: 6 }),
      (args) => {
        t.deepEqual(splitCommandLine(['p', ...args.map(quote)].join(' ')), ['p', ...args]);
      },
    ),
  );
});
