import test from 'ava';
import { LocalApi, type LocalApiOptions } from '../../agent/local-api.ts';
import { execEvent } from '../support/fake-helper.ts';
import { ownPort } from '../support/own-port.ts';
import { ask } from '../support/metrics.ts';
import { parseLoopback } from '../../agent/server/address.ts';
import type { Config } from '../../agent/config/schema.ts';
import { Workplace } from './support/agent-process.ts';
import { controlledConfig, withControl } from './support/controlled.ts';
import { read, toFile } from './support/outputs.ts';
import { toItem } from './support/items.ts';
import { recordingTelemetry } from './support/telemetry.ts';

/** The timers that repeat, while `use` runs. */
async function withTimers(use: (repeating: ReadonlySet<unknown>) => Promise<void>): Promise<void> {
  const { setInterval: set, clearInterval: clear } = globalThis;
  const repeating = new Set<unknown>();
  globalThis.setInterval = ((...args: Parameters<typeof set>) => {
    const timer = set(...args);
    repeating.add(timer);
    return timer;
  }) as typeof set;
  globalThis.clearInterval = (timer) => {
    repeating.delete(timer);
    clear(timer);
  };
  try {
    await use(repeating);
  } finally {
    Object.assign(globalThis, { setInterval: set, clearInterval: clear });
  }
}

test.serial('without a control socket nothing is read or counted, and no timer runs; also after one was closed', (t) =>
  withTimers(async (repeating) => {
    using work = new Workplace();
    let reads = 0;
    const source = {
      get received() {
        reads++;
        return { exec: 0, exec_failed: 0, exit: 0, gap: 0, clock: 0, other: 0 };
      },
    };
    const view = { source, detection: { alerts: 0 } } as unknown as LocalApiOptions['view'];
    const { telemetry } = recordingTelemetry();
    const api = new LocalApi({ telemetry, view, reload: () => Promise.reject(new Error('not asked')) });
    const look = (seq: number): void => {
      const items = [toItem(execEvent(seq))];
      api.takeReceived(items);
      t.is(api.stage(items), items, 'it changes nothing');
    };
    const rest = async (): Promise<void> => undefined;
    const listen = parseLoopback(`127.0.0.1:${await ownPort()}`) as NonNullable<Config['dashboard']>['listen'];
    const control = { socket: work.path('control.sock'), recent: 1024 * 1024 };

    await api.change({}, rest);
    api.begin({ bootId: 'a', firstSeq: 1, lastSeq: 0 });
    look(1);
    t.is(reads, 0);
    t.is(repeating.size, 0);

    await t.throwsAsync(
      api.change({ control, dashboard: { listen } }, () => Promise.reject(new Error('the rest is refused'))),
      { message: 'the rest is refused' },
    );
    t.is(repeating.size, 0, 'a refused configuration leaves nothing behind');

    await api.change({ control, dashboard: { listen } }, rest);
    t.truthy(api.dashboardUrl);
    const timers = repeating.size;
    t.true(timers > 0);
    t.true(reads > 0);
    await api.change({ control, dashboard: { listen } }, rest);
    t.is(repeating.size, timers, 'the same again starts no second one');

    await api.change({}, rest);
    t.is(api.dashboardUrl, undefined);
    t.is(repeating.size, 0);
    await api.change({ control }, rest);
    await api.close();
    t.is(repeating.size, 0);
  }),
);

test.serial(
  'numbers begin where the control socket was configured, also in the middle of a stream and a second time',
  (t) =>
    withControl(async ({ helper, agent, work, socket }) => {
      const status = async () =>
        JSON.parse((await ask(`unix:${socket}`, '/v1/status')).body) as { numbers?: unknown; gaps: { lost: number } };
      const sent = (seq: number) => agent.until(() => read(work.path('events')).includes(`"seq":${seq},`));
      helper.send(execEvent(1), execEvent(2));
      await sent(2);
      t.like((await status()).numbers, { first: 1, through: 2, events: 2, lost: 0 });
      work.configure(toFile(helper, work.path('events')));
      agent.child.kill('SIGHUP');
      await agent.until(() => agent.countOf('ConfigReloaded') === 1);
      helper.send(execEvent(3), execEvent(4));
      await sent(4);
      work.configure(controlledConfig(helper, work));
      agent.child.kill('SIGHUP');
      await agent.until(() => agent.countOf('ConfigReloaded') === 2);
      t.is((await status()).numbers, undefined);
      helper.send(execEvent(5));
      await sent(5);
      t.like((await status()).numbers, { first: 5, through: 5, events: 1, lost: 0 });
    }),
);
