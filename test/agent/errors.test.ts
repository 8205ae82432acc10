import { globSync, readFileSync } from 'node:fs';
import test from 'ava';
import { AgentError, ERRORS, exitMeanings, type ErrorCode } from '../../agent/errors.ts';
import { EXIT } from '../../agent/exit-codes.ts';

const AGENT = new URL('../../agent/', import.meta.url);
const TABLES = ['errors.ts', 'exit-codes.ts'];
const SOURCES = globSync('**/*.ts', { cwd: AGENT })
  .filter((file) => !TABLES.includes(file))
  .map((file) => readFileSync(new URL(file, AGENT), 'utf8'));

test('every error of the table is raised somewhere: by its code, or by its exit status', (t) => {
  for (const [code, error] of Object.entries(ERRORS)) {
    const name = Object.entries(EXIT).find(([, number]) => 'status' in error && number === error.status)?.[0];
    const raised = new RegExp(`new AgentError\\(\\s*'${code}'${name === code ? `|EXIT\\.${name}\\b` : ''}`);
    t.true(
      SOURCES.some((text) => raised.test(text)),
      code,
    );
  }
});

test('no message names a code that the table does not have', (t) => {
  const known = new Set(Object.keys(ERRORS));
  const named = SOURCES.flatMap((text) => [...text.matchAll(/[`'"]([A-Z]+(?:_[A-Z]+)+): /g)].map(([, code]) => code!));
  t.deepEqual(
    named.filter((code) => !known.has(code)),
    [],
  );
  t.deepEqual(named, [], 'written out, instead of taken from an AgentError');
});

test('each status has one meaning, and an error knows its status', (t) => {
  t.deepEqual(
    exitMeanings().map(([status]) => status),
    Object.values(EXIT),
  );
  for (const code of Object.keys(ERRORS) as ErrorCode[]) {
    const error = ERRORS[code];
    t.is(new AgentError(code, 'x').exitCode, 'status' in error ? error.status : EXIT.INTERNAL);
  }
});
