import { execFileSync } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { HashClient, type HashClientOptions } from '../../../../agent/enrichment/hashing/hash-client.ts';
import { MAX_ASKED } from '../../../../agent/enrichment/hashing/limits.ts';
import { requiring } from '../../../support/requirements.ts';
import { agentCommand } from '../../support/agent-process.ts';
import { HangingDisk, hangingDisk } from './hanging-disk.ts';

const COMMAND = agentCommand('hash-images') as [string, ...string[]];

function clientOf(t: ExecutionContext, more: Partial<HashClientOptions> = {}) {
  const failures: string[] = [];
  const client = new HashClient({
    settings: { bytesPerSecond: 1e9 },
    onFailed: (reason) => failures.push(reason),
    command: COMMAND,
    ...more,
  });
  t.teardown(() => client.close());
  const ask = (path: string): Promise<object> => new Promise((resolve) => client.ask(path, resolve));
  return { client, failures, ask };
}

test('the hashing process answers what it is asked for', async (t) => {
  const { client, failures, ask } = clientOf(t);
  const sha256 = execFileSync('sha256sum', ['/usr/bin/env'], { encoding: 'utf8' }).slice(0, 64);
  t.like(await ask('/usr/bin/env'), { sha256 });
  t.deepEqual(await ask('/no/such/file\n"'), { cause: 'gone' });
  t.is(client.asked, 0);
  t.deepEqual(failures, []);
});

test('so many files can wait, and no more: the next are skipped at once', async (t) => {
  const { client, ask } = clientOf(t, { command: ['/bin/sleep', '60'] });
  for (let i = 0; i < MAX_ASKED; i++) client.ask(`/${i}`, () => undefined);
  t.deepEqual(await ask('/more'), { cause: 'skipped' });
  t.is(client.asked, MAX_ASKED);
});

for (const [title, command, reason] of [
  ['that cannot be started', ['/no/such/program'], /ENOENT/],
  ['that ends', ['/bin/false'], /status 1/],
  ...['hello', '5', '{}', '[0]', '[0,null]', '["0",{"cause":"gone"}]', '[0,{"sha256":1}]', '[0,{"cause":null}]'].map(
    (said) => [`that says ${said}`, ['/bin/sh', '-c', `echo '${said}'; exec sleep 60`], /did not answer/] as const,
  ),
] as const)
  test(`a process ${title} is told of, and files go without`, async (t) => {
    const { client, failures, ask } = clientOf(t, { command, restartMs: 60_000 });
    await client.ready;
    t.regex(failures[0]!, reason);
    t.deepEqual(await ask('/usr/bin/env'), { cause: 'skipped' });
    t.is(failures.length, 1);
  });

test('one that ends while it is asked answers nothing; another is started later, and works', async (t) => {
  const { ask, failures } = clientOf(t, { command: ['/bin/sh', '-c', 'read a; read b; exit 3'], restartMs: 1 });
  t.deepEqual(await ask('/usr/bin/env'), { cause: 'stuck' });
  t.regex(failures[0]!, /status 3/);
  await delay(5);
  t.deepEqual(await ask('/usr/bin/env'), { cause: 'stuck' });
  t.is(failures.length, 2);
});

requiring(hangingDisk)(
  'a disk that hangs: the process is killed, its files go without, and the next process hashes others',
  async (t) => {
    using disk = new HangingDisk();
    const { client, failures, ask } = clientOf(t, { silentMs: 4000, restartMs: 1 });
    await client.ready;
    const answers = await Promise.all([ask(`${disk.folder}/program`), ask('/usr/bin/env')]);
    t.deepEqual(answers, [{ cause: 'stuck' }, { cause: 'stuck' }]);
    t.regex(failures[0]!, /killed/);
    await delay(5);
    t.true('sha256' in (await ask('/usr/bin/env')));
  },
);

test('close ends the process', async (t) => {
  const { client, failures } = clientOf(t);
  await client.ready;
  const answered = new Promise<object>((resolve) => client.ask('/usr/bin/env', resolve));
  client.close();
  t.true('cause' in (await answered));
  t.deepEqual(failures, []);
});
