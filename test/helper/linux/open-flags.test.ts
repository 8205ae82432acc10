import { readFileSync } from 'node:fs';
import test from 'ava';

import { inCheckout } from '../../../installers/tools/root-folder.ts';
import { repositoryFiles } from '../../support/repository.ts';

/** Flags of open(2) with another value on 64-bit ARM (arch/arm64/include/uapi/asm/fcntl.h). O_TMPFILE contains O_DIRECTORY. */
const DIFFERENT = ['O_DIRECTORY', 'O_NOFOLLOW', 'O_DIRECT', 'O_LARGEFILE', 'O_TMPFILE'];

/** Where a source gives such a flag a number, instead of taking the machine's own from node:fs. */
const numbersIn = (text: string): string[] =>
  [...text.matchAll(/\b(O_[A-Z]+)\s*(?:=|:)\s*(?:0[ox]?[0-9a-f]*[1-9a-f][0-9a-f]*|[1-9]\d*)\b/gu)]
    .map(([, name = '']) => name)
    .filter((name) => DIFFERENT.includes(name));

test('no source gives a number to a flag of open that is not the same on x86-64 and 64-bit ARM', (t) => {
  const sources = repositoryFiles().filter((file) => /^(?:helper|agent|shared)\/.*\.ts$/u.test(file));
  t.true(sources.length > 300, `${sources.length} files`);
  t.deepEqual(
    sources.flatMap((file) => numbersIn(readFileSync(inCheckout(file), 'utf8')).map((name) => `${file}: ${name}`)),
    [],
  );
});

test('a number is found in each way of writing it; a default of none is no number', (t) => {
  for (const text of ['const O_DIRECTORY = 0o200000;', 'O_DIRECT: 0x4000,', 'const O_NOFOLLOW=131072'])
    t.is(numbersIn(text).length, 1, text);
  for (const text of ['const { O_NOFOLLOW = 0 } = constants;', 'const O_PATH = 0o10000000;', 'constants.O_DIRECTORY'])
    t.deepEqual(numbersIn(text), [], text);
});
