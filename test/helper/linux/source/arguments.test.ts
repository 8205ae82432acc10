import test from 'ava';
import * as fc from 'fast-check';
import {
  afterFirst,
  afterScript,
  argumentList,
  encodeArguments,
  rawArguments,
} from '../../../../helper/linux/source/arguments.ts';
import { MAX_RAW_ARGUMENTS } from '../../../../helper/limits.ts';

const blockOf = (...argv: string[]): string => argv.map((argument) => `${argument}\0`).join('');
const withoutLastNul = (block: string): string => (block.endsWith('\0') ? block.slice(0, -1) : block);
const encode = (block: string): string => encodeArguments(withoutLastNul(block));
const listOf = (block: string): string[] => JSON.parse(argumentList(encode(block), block === '')) as string[];
const textOf = (rest: string): string => JSON.parse(`"${rest}`) as string;
const encodedName = (name: string): string => JSON.stringify(name).slice(1, -1);
/** The arguments that the caller of a script passed, as people write them. */
const callers = (argv: string[], filename: string): string =>
  textOf(afterScript(encode(blockOf(...argv)), encodedName(filename)));

// Text that comes close to what the encoding works with: NULs as JSON writes them, backslashes, surrogates.
const tricky = fc
  .array(
    fc.constantFrom(
      '\\u0000',
      '\\',
      '\\\\u0000',
      'u0000',
      '\\ud800',
      '"',
      '\n',
      '\u0001',
      '😀',
      '\ufffd',
      'é',
      'a',
      ' ',
      '',
    ),
    { maxLength: 6 },
  )
  .map((parts) => parts.join(''));
const argument = fc.oneof(
  tricky,
  fc.string({ unit: 'grapheme', maxLength: 8 }).map((text) => text.replaceAll('\0', '')),
);

test('arguments come back as they were, whatever they hold', (t) => {
  fc.assert(
    fc.property(fc.array(argument, { maxLength: 8 }), (argv) => {
      t.deepEqual(listOf(blockOf(...argv)), argv);
      t.is(
        textOf(afterFirst(encode(blockOf(...argv)))),
        argv
          .slice(1)
          .map((text) => ` ${text}`)
          .join(''),
      );
    }),
    { numRuns: 3000 },
  );
});

test('the last NUL may be missing; no argument is not one empty argument', (t) => {
  t.deepEqual(listOf('a\0b'), ['a', 'b']);
  t.deepEqual(listOf('a\0b\0'), ['a', 'b']);
  t.deepEqual(listOf('a\0\0'), ['a', '']);
  t.deepEqual(listOf('\0'), ['']);
  t.deepEqual(listOf(''), []);
});

test('the arguments of a script are those behind its path', (t) => {
  t.is(callers(['/bin/sh', '/tmp/run', 'a', 'b'], '/tmp/run'), ' a b');
  t.is(callers(['/bin/sh', '-e -x', '/tmp/run', 'a'], '/tmp/run'), ' a');
  t.is(callers(['/usr/bin/perl', '-w', '/bin/inner', '/tmp/outer', 'a'], '/tmp/outer'), ' a');
  t.is(callers(['/bin/sh', '/tmp/run'], '/tmp/run'), '');
  t.is(callers(['run', '-x', 'run', 'a'], 'run'), ' a', 'argv[0] is the interpreter, whatever its name');
  t.is(callers(['/bin/sh', '/tmp/run', '/tmp/run', 'a'], '/tmp/run'), ' /tmp/run a');
  t.is(callers(['/bin/sh', '/tmp/"\\', ''], '/tmp/"\\'), ' ');
  t.is(callers(['/bin/sh', '/tmp/"\\', '\\u0000'], '/tmp/"\\'), ' \\u0000');
});

test('as deep as the kernel follows interpreters, a script is found', (t) => {
  // exec_binprm() gives up beyond five scripts; each puts its interpreter and perhaps an argument in front.
  const inserted = Array.from({ length: 10 }, (_, i) => `i${i}`);
  t.is(callers([...inserted, './s', 'a'], './s'), ' a');
  t.is(callers([...inserted, 'i10', './s', 'a'], './s'), ` ${[...inserted.slice(1), 'i10', './s', 'a'].join(' ')}`);
});

test('a script whose path is not among the arguments keeps all behind argv[0]', (t) => {
  t.is(callers(['/bin/sh', '-c', 'x'], '/tmp/gone'), ' -c x');
  t.is(callers([], '/tmp/gone'), '');
});

test('of few arguments each that is not UTF-8 has its bytes, of many all have them together', (t) => {
  const bad = Buffer.from([0x61, 0xff, 0]);
  const few = Buffer.concat([Buffer.from('ok\0'), bad, Buffer.from('\0'), bad.subarray(0, 2)]);
  t.deepEqual(rawArguments(few), { 'argv[1]': 'Yf8=', 'argv[3]': 'Yf8=' });
  t.is(rawArguments(Buffer.from('ok\0é\0')), undefined);
  const most = Buffer.concat([Buffer.from('\0'.repeat(MAX_RAW_ARGUMENTS - 1)), bad]);
  t.deepEqual(rawArguments(most), { [`argv[${MAX_RAW_ARGUMENTS - 1}]`]: 'Yf8=' });
  const more = Buffer.concat([Buffer.from('\0'), most]);
  t.deepEqual(rawArguments(more), { argv: more.toString('base64') });
});
