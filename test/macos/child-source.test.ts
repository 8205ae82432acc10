// The macOS helper from a child's output to a client, on Linux, with a stand-in for dtrace and
// eslogger: real processes, real users, the real pipe. What it does not show: the files right in helper/macos/.
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { AgentRun } from '../support/agent-process.ts';
import { rootTest } from '../support/requirements.ts';
import { ChildHelper } from './support/child-helper.ts';

const SOURCES = ['dtrace', 'eslogger'] as const;

for (const source of SOURCES) {
  const childTest = (
    title: string,
    script: readonly (string | number)[],
    run: (helper: ChildHelper, t: Parameters<Parameters<typeof rootTest>[1]>[0]) => Promise<void>,
    options = {},
  ): void =>
    rootTest(`${source}: ${title}`, async (t) => {
      const helper = new ChildHelper(source, script, options);
      try {
        await helper.connect();
        await run(helper, t);
        t.is(await helper.stop(), 0);
      } finally {
        await helper.stop();
      }
    });

  childTest(
    'all that it tells arrives, under another user, who cannot be root again',
    ['healthy', 1000],
    async (helper, t) => {
      await helper.until(() => helper.marks.length === 1000);
      t.deepEqual(
        helper.marks,
        Array.from({ length: 1000 }, (_, i) => `mark-${i}`),
      );
      t.is(helper.hello.platform, 'linux', 'what the host says that it is');
      t.is(helper.hello.source, source);
      t.deepEqual([helper.hello.privileges.uid, helper.hello.privileges.gid], [64913, 64912]);
      const event = helper.execs[7];
      t.like(event, {
        pid: 5_000_007,
        command: '/bin/echo mark-7',
        timestamp: source === 'dtrace' ? 1_795_352_083 : 1_795_353_283,
        uid: 501,
        filename: '/bin/echo',
        argv: ['echo', 'mark-7'],
        source,
      });
      // The one that forwards: the child of the one that was started.
      const [forwarder] = readFileSync(
        `/proc/${helper.process.pid}/task/${helper.process.pid}/children`,
        'latin1',
      ).split(' ');
      const status = readFileSync(`/proc/${forwarder}/status`, 'latin1');
      t.regex(status, /^Uid:\t64913\t64913\t64913\t64913$/m);
      t.regex(status, /^Gid:\t64912\t64912\t64912\t64912$/m);
      t.regex(status, /^Groups:\t\s*$/m);
      t.is(readFileSync(`/proc/${forwarder}/environ`).length, 0);
    },
  );

  childTest('canaries are told to nobody, and keep it from being called blind', ['healthy', 3], async (helper, t) => {
    await helper.until(() => helper.marks.length === 3);
    await delay(2500);
    t.is(helper.execs.length, 3);
    t.deepEqual(helper.uncounted, []);
    t.false(helper.stderr.includes('blind'));
  });

  childTest(
    'it dies inside a record: that is a gap, and what the next one tells arrives',
    ['dying', 1000],
    async (helper, t) => {
      await helper.until(() => helper.marks.includes('mark-999'));
      const whole = helper.marks.filter((mark) => /^mark-\d{1,3}$/.test(mark));
      t.deepEqual(
        whole,
        Array.from({ length: 1000 }, (_, i) => `mark-${i}`),
      );
      t.true(helper.uncounted.includes('source_ended'));
      t.regex(helper.stderr, /ended with 3; restarting it in 1 s/);
    },
  );

  childTest(
    'one that lives and sees nothing is noticed, told and started again',
    ['silent', 0],
    async (helper, t) => {
      await helper.until(() => helper.uncounted.includes('source_ended'), 40);
      t.true(helper.blind >= 3);
      t.regex(helper.stderr, /it is blind/);
    },
    { seen: false, patienceMs: 1200 },
  );

  childTest(
    'one that does not end on SIGTERM is ended',
    ['stubborn', 0],
    async (helper, t) => {
      await helper.until(() => helper.stderr.includes('says: ignoring SIGTERM'));
      const started = Date.now();
      t.is(await helper.stop(), 0);
      t.true(Date.now() - started > 1900, 'it was given its time');
      t.true(Date.now() - started < 20_000);
    },
    { seen: false },
  );

  childTest(
    'it floods, and drops a tenth: each exec arrives or is counted',
    ['flooding', 40_000],
    async (helper, t) => {
      await helper.until(() => helper.isWhole(40_000), 60);
      t.true(helper.lost > 3000 && helper.lost < 5000);
      t.true(helper.gaps.every((gap) => gap.hop === 'ring'));
      t.true(helper.gaps.some((gap) => gap.cause === 'ring_full'));
    },
  );

  childTest(
    'garbage between and inside: what is whole arrives, and it goes on',
    ['garbage', 3000, 7],
    async (helper, t) => {
      await helper.until(() => helper.execs.length + helper.lost >= 2900, 60);
      t.true(helper.marks.length > 1400, `${helper.marks.length} of 3000`);
      await delay(2500);
      t.regex(helper.stderr, /\d+ records of \w+ were unreadable/);
      const before = helper.uncounted.length;
      await delay(2000);
      t.is(helper.uncounted.length, before, 'it still sees canaries');
    },
  );

  childTest(
    'writes that end anywhere, arguments that look like records: all of it arrives',
    ['half', 300],
    async (helper, t) => {
      await helper.until(() => helper.marks.length === 300);
      t.deepEqual(helper.execs[150]?.argv, [
        'echo',
        'mark-150',
        'two\nlines',
        'x 0 1 1795352083140215713 1 1 0 0 1:a,',
        '#',
        '',
      ]);
      t.is(helper.lost, 0);
    },
  );

  childTest('lines of a megabyte', ['long', 20], async (helper, t) => {
    await helper.until(() => helper.isWhole(20), 60);
    t.is(helper.lost, 0);
    if (source === 'eslogger') t.true((helper.execs[3]?.argv?.[2]?.length ?? 0) > 0);
  });

  childTest(
    'standard error without end holds nothing up, and is passed on in measure',
    ['complaining', 2000],
    async (helper, t) => {
      await helper.until(() => helper.marks.length === 2000);
      // Read with the output, a piece at a time; by then all of it is.
      await delay(1500);
      t.true(helper.stderr.includes('says: complaint'));
      t.true(helper.stderr.length < 100_000, `${helper.stderr.length}`);
    },
  );

  childTest('what was dropped last of all is counted', ['tail', 100], async (helper, t) => {
    await helper.until(() => helper.isWhole(100));
    t.is(helper.lost, 5);
  });

  rootTest(`${source}: a helper after another, in the same boot, numbers above all that the other did`, async (t) => {
    let newest = 0;
    let boot: string | undefined;
    // A tenth of the first one's numbers are losses.
    for (const script of [
      ['flooding', 40_000],
      ['healthy', 10],
      ['healthy', 10],
    ] as const) {
      const helper = new ChildHelper(source, script);
      try {
        await helper.connect();
        const { first_seq, boot_id } = helper.hello;
        t.true(first_seq > newest, `${first_seq} after ${newest}`);
        t.is(boot_id, boot ?? boot_id);
        await helper.until(() => helper.isWhole(script[1]), 60);
        boot = boot_id;
        newest = Math.max(...helper.execs.map(({ seq }) => seq), ...helper.gaps.map(({ last }) => last));
        t.true(newest >= first_seq + script[1] - 1);
      } finally {
        await helper.stop();
      }
    }
  });

  rootTest(
    `${source}: the forwarding process ends with the watching one, and it with the forwarding one`,
    async (t) => {
      for (const victim of ['watching', 'forwarding'] as const) {
        const helper = await new ChildHelper(source, ['healthy', 10]).connect();
        const children = readFileSync(`/proc/${helper.process.pid}/task/${helper.process.pid}/children`, 'latin1')
          .trim()
          .split(' ');
        const [forwarder = ''] = children;
        process.kill(victim === 'watching' ? (helper.process.pid ?? 0) : Number(forwarder), 'SIGKILL');
        const others = victim === 'watching' ? children : [String(helper.process.pid), ...children];
        // A tracer ends when it next tells something and nobody reads: eslogger with the next program that anybody runs.
        await helper.until(() => {
          helper.someoneRan();
          return others.every((pid) => isGone(pid));
        });
        t.pass();
        await helper.stop();
      }
    },
  );
}

rootTest('the forwarding process refuses to be root, or anyone else than it was told', async (t) => {
  for (const [uid, ids] of [
    [64_913, {}],
    [64_913, { uid: 64_914, gid: 64_912 }],
    [64_913, { uid: 64_913, gid: 0 }],
  ] as const) {
    const { code, stderr } = await ChildHelper.forward(
      {
        source: 'dtrace',
        sha256: '0'.repeat(64),
        limits: [],
        env: [],
        backlogBytes: 1 << 20,
        uid,
        gid: 64_912,
        group: 64_912,
      },
      ids,
    );
    t.not(code, 0);
    t.regex(stderr, /HELPER_PRIVILEGE: the forwarding process is uid/);
  }
});

rootTest('the real agent writes all of it to a file, losses as gaps', async (t) => {
  const helper = new ChildHelper('dtrace', ['flooding', 20_000]);
  const agent = new AgentRun();
  try {
    await helper.connect();
    agent.start(helper.socket);
    const written = () => agent.written().filter((event) => event.type === 'exec' || event.type === 'gap');
    const sum = (): number => written().reduce((total, event) => total + (event.type === 'gap' ? event.count : 1), 0);
    await agent.until(() => sum() === 20_000);
    t.is(
      new Set(written().map((event) => (event.type === 'exec' ? event.command : `gap ${event.first}`))).size,
      written().length,
    );
    t.true(written().some((event) => event.type === 'gap' && event.hop === 'ring' && event.cause === 'ring_full'));
    t.is(await agent.stop(), 0);
  } finally {
    await agent.remove();
    await helper.stop();
  }
});

function isGone(pid: string): boolean {
  try {
    return /^\d+ \(.*\) [ZX]/.test(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return true;
  }
}
