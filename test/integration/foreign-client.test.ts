import { spawnSync } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import type { ExecutionContext } from 'ava';
import { IPCModule } from 'node-ipc';

import { LineSplitter } from '../support/line-splitter.ts';
import { startHelper } from '../support/helper-process.ts';
import { kernelTest } from '../support/requirements.ts';

kernelTest(
  'a client made with node-ipc reads hello and events, needing nothing of ours but newlines',
  async (t: ExecutionContext) => {
    const helper = await startHelper();
    t.teardown(() => helper.stop());
    const ipc = new IPCModule();
    ipc.config.silent = true;
    ipc.config.parser = 'raw';
    ipc.config.rawBuffer = true;
    ipc.config.maxRetries = 0;

    const splitter = new LineSplitter();
    const events: { type?: string; command?: string }[] = [];
    ipc.connectTo('helper', helper.socket, () => {
      ipc.of['helper']?.on('data', (chunk) => {
        for (const line of splitter.push(Buffer.from(chunk)))
          events.push(JSON.parse(Buffer.from(line).toString()) as { type?: string });
      });
    });
    t.teardown(() => ipc.disconnect('helper'));

    const command = `/bin/true for-a-foreign-client-${process.pid}`;
    const seen = (): boolean => events.some((event) => event.type === 'exec' && event.command === command);
    for (let waited = 0; !seen() && waited < 10_000; waited += 100) {
      const [program = '', ...args] = command.split(' ');
      spawnSync(program, args);
      await delay(100);
    }
    t.is(events[0]?.type, 'hello');
    t.true(seen());
  },
);
