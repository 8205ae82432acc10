import { setTimeout as delay } from 'node:timers/promises';
import { startHelper, type RunningHelper } from '../support/helper-process.ts';
import { NotifySocket } from '../support/notify-socket.ts';
import { PipeClient } from '../support/pipe-client.ts';
import { kernelTest } from '../support/requirements.ts';

for (const abstract of [false, true]) {
  kernelTest(
    `reports start, progress and stop to a service manager${abstract ? ', by a name without a file' : ''}`,
    async (t) => {
      using manager = new NotifySocket({ abstract });
      const helper = await startHelper(['--notify', manager.address]);
      t.teardown(async () => void (await helper.stop()));
      await manager.until(() => manager.has('READY=1'));
      t.is(manager.received[0], 'READY=1');
      const client = new PipeClient(helper.socket);
      await client.until(() => client.events.length > 0);
      client.close();
      await manager.until(() => manager.count('WATCHDOG=1') >= 2);
      t.is(await helper.stop(), 0, helper.stderr());
      t.is(manager.received.filter((text) => text !== 'WATCHDOG=1').join(), 'READY=1,STOPPING=1');
    },
  );
}

kernelTest('a helper that is stopped reports no progress, and goes on to when it runs again', async (t) => {
  using manager = new NotifySocket();
  const helper = await startHelper(['--notify', manager.address]);
  t.teardown(async () => void (await helper.stop()));
  await manager.until(() => manager.has('WATCHDOG=1'));
  process.kill(helper.pid, 'SIGSTOP');
  // One may have been on its way.
  await delay(100);
  const before = manager.count('WATCHDOG=1');
  await delay(2500);
  t.is(manager.count('WATCHDOG=1'), before);
  process.kill(helper.pid, 'SIGCONT');
  await manager.until(() => manager.count('WATCHDOG=1') > before);
});

kernelTest('a manager that reads nothing holds up nobody', async (t) => {
  // Its queue takes 10 datagrams or so (net.unix.max_dgram_qlen), then none.
  using manager = new NotifySocket();
  const helper = await startHelper(['--notify', manager.address]);
  t.teardown(async () => void (await helper.stop()));
  await delay(13_000);
  const client = new PipeClient(helper.socket);
  await client.until(() => client.events.length > 0);
  client.close();
  t.is(await helper.stop(), 0);
});

const refusing: [what: string, socket: string, said: RegExp | undefined][] = [
  ['an empty one is none', '', undefined],
  [
    'one that is not there',
    '/run/platform-probes-nowhere/notify',
    /no reports to .*nowhere\/notify: connect: .*ENOENT/,
  ],
  ['one that is too long', `/${'x'.repeat(200)}`, /no reports to \/x+: connect: .*EINVAL/],
];
for (const [what, socket, said] of refusing) {
  kernelTest(`without a manager's socket the helper traces all the same: ${what}`, async (t) => {
    const helper: RunningHelper = await startHelper([`--notify=${socket}`]);
    t.teardown(async () => void (await helper.stop()));
    if (said === undefined) t.notRegex(helper.stderr(), /notify/);
    else t.regex(helper.stderr(), said);
    const client = new PipeClient(helper.socket);
    await client.until(() => client.events.length > 0);
    client.close();
  });
}
