import { spawn } from 'node:child_process';
import { once } from 'node:events';
import test from 'ava';
import { childrenOf } from './accounting.ts';

test('the children of a process are those that it started and that have not ended', async (t) => {
  const child = spawn('sleep', ['60']);
  await once(child, 'spawn');
  t.true(childrenOf(process.pid).includes(child.pid ?? 0));
  t.deepEqual(childrenOf(child.pid ?? 0), []);
  child.kill('SIGKILL');
  await once(child, 'exit');
  t.false(childrenOf(process.pid).includes(child.pid ?? 0));
});
