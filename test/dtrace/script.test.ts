import { readFileSync } from 'node:fs';
import path from 'node:path';
import test from 'ava';
import { linuxScript } from './linux-script.ts';
import { ROOT } from '../support/repository.ts';

const SCRIPT = readFileSync(path.join(ROOT, 'dtrace/exec.d'), 'utf8');

test('what only macOS has is marked, so that the rest runs elsewhere', (t) => {
  const script = linuxScript(SCRIPT);
  const code = script.slice(script.indexOf('#pragma'));
  t.deepEqual(
    ['spawn-', 'pr_argv', 'pr_start_tv', 'self->child = args'].filter((name) => code.includes(name)),
    [],
  );
  t.true(SCRIPT.includes('curpsinfo->pr_argv'));
});

test('it has one clause for each argument that its header promises, and tells its string size', (t) => {
  const clauses = SCRIPT.split('\n').filter((line) => line.startsWith('proc:::exec-success /this->i < this->argc/'));
  t.is(clauses.length, 64);
  t.is(new Set(clauses).size, 1);
  t.is(/#pragma D option strsize=(\d+)/u.exec(SCRIPT)?.[1], /printf\("b 0 0 (\d+)\\n"\)/u.exec(SCRIPT)?.[1]);
});

test('it takes no destructive action', (t) => {
  const code = SCRIPT.slice(SCRIPT.indexOf('#pragma'));
  t.deepEqual(
    code.match(/\b(?:system|copyout|copyoutstr|stop|raise|panic|breakpoint|chill|freopen|destructive)\b/gu),
    null,
  );
});
