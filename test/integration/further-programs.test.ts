import { spawnSync } from 'node:child_process';
import { readdirSync, readlinkSync } from 'node:fs';
import test from 'ava';
import { readFdinfo } from '../../helper/linux/fdinfo.ts';
import { fixture } from '../support/fixtures.ts';
import { stormOf } from '../support/pace.ts';
import { furtherProgramTest } from '../support/requirements.ts';
import { numberOf } from '../support/system-calls.ts';
import { run, Session } from '../support/session.ts';

const CLOSE = String(numberOf('close'));
const noOp = fixture('no-op');
let session: Session | undefined;

test.after.always(() => session?.close());

furtherProgramTest(
  'what the first program on a tracepoint does not see, the second tells, and then the third: once',
  async (t) => {
    const sensor = (session = await Session.open(['--exits', '--forks', '--env', 'P17']));
    const { pid } = sensor.helper;
    // A program that is gone stands for one that the kernel skips, which cannot be brought about here. Programs are loaded, attached and run in one order.
    const links = readdirSync(`/proc/${pid}/fd`)
      .filter((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`).includes('bpf_link'))
      .toSorted((a, b) => Number(readFdinfo(a, pid).get('prog_id')) - Number(readFdinfo(b, pid).get('prog_id')));
    t.is(links.length, 9);
    for (let gone = 0; gone < 3; gone++) {
      // From inside: the helper closes its links, the first of the three on each tracepoint that are left.
      for (const link of gone === 0 ? [] : [links[gone - 1], links[gone + 2], links[gone + 5]]) {
        t.is(spawnSync(fixture('inject-syscall'), [String(pid), CLOSE, String(link)]).stdout.toString(), '0\n');
      }
      const program = await run(noOp, [`${gone} gone`], { env: { P17: 'told' } });
      await sensor.exit(program.pid);
      await sensor.settle();
      t.is(sensor.execsOf(program.pid).length, 1, `${gone} gone`);
      t.deepEqual(sensor.execsOf(program.pid)[0]?.env, { P17: 'told' });
      const forks = sensor.client.events.filter((event) => event.type === 'fork' && event.pid === program.pid);
      t.is(forks.length, 1, `${gone} gone`);
      t.is(sensor.exits((event) => event.pid === program.pid).length, 1, `${gone} gone`);
    }
  },
);

const ROUNDS = stormOf(4000, 200);
furtherProgramTest(
  `${ROUNDS.toLocaleString('en')} times two processes execute at once whose ids share their low bits: each is told once`,
  async (t) => {
    const sensor = await Session.open(['--backlog', '64MiB']);
    try {
      const { stdout } = await run(fixture('exec-same-place'), [noOp, String(ROUNDS), '8192', 'same place'], {}, 120);
      t.is(stdout.toString(), `${ROUNDS}\n`);
      // Not by its id, which one of the others can have had.
      await run(noOp, ['that was all']);
      await sensor.marked(noOp, 'that was all');
      const keys = sensor.client.execs
        .filter(({ filename, argv }) => filename === noOp && argv?.at(-1) === 'same place')
        .map(({ pid, start_time: start }) => `${pid} ${start}`);
      const gaps = sensor.client.events.filter(({ type }) => type === 'gap');
      t.deepEqual(gaps, []);
      t.true(new Set(keys).size >= 2 * ROUNDS, `${new Set(keys).size} of ${keys.length}`);
      t.deepEqual(
        keys.filter((key, i) => keys.indexOf(key) !== i),
        [],
      );
    } finally {
      await sensor.close();
    }
  },
);
