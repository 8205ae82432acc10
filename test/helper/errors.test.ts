import test from 'ava';
import { EXIT_CODES, EXIT_MEANINGS, HelperError, type ErrorCode } from '../../helper/errors.ts';

test('every code has a number of its own, beside 0 and 1, that a shell can see', (t) => {
  const numbers = Object.values(EXIT_CODES);
  t.is(new Set(numbers).size, numbers.length);
  // From 126 on a shell means something else by them.
  for (const number of numbers) t.true(Number.isInteger(number) && number >= 2 && number < 126);
});

test('every code has a meaning, and no meaning is left over', (t) => {
  t.deepEqual(Object.keys(EXIT_MEANINGS).toSorted(), Object.keys(EXIT_CODES).toSorted());
  for (const meaning of Object.values(EXIT_MEANINGS)) t.regex(meaning, /^[a-z].*[^.\s]$/);
});

test('codes that were given out keep their numbers', (t) => {
  t.like(EXIT_CODES, {
    HELPER_USAGE: 2,
    HELPER_NOT_ROOT: 3,
    HELPER_UNSAFE_FILE: 4,
    HELPER_NO_ACCOUNT: 5,
    HELPER_NO_LIBBPF: 6,
    HELPER_NO_BTF: 7,
    HELPER_PROBE_REFUSED: 8,
    HELPER_NO_TRACEFS: 9,
    HELPER_SOCKET: 10,
    HELPER_SOCKET_IN_USE: 11,
    HELPER_PRIVILEGE: 12,
    HELPER_HANDOFF: 13,
    HELPER_UNSUPPORTED: 14,
    HELPER_NO_BPFFS: 15,
  });
});

test('an error says its code, ends with its number and keeps its cause', (t) => {
  const cause = new Error('ENOENT');
  for (const code of Object.keys(EXIT_CODES) as ErrorCode[]) {
    const error = new HelperError(code, 'why', { cause });
    t.is(error.message, `${code}: why`);
    t.is(error.exitCode, EXIT_CODES[code]);
    t.is(error.cause, cause);
  }
});
