import { spawnSync } from 'node:child_process';
import { readdirSync, readlinkSync } from 'node:fs';
import test from 'ava';
import { readFdinfo } from '../../helper/linux/root/fdinfo.ts';
import { fixture } from '../support/fixtures.ts';
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
    const sensor = (session = await Session.open(['--exits']));
    const { pid } = sensor.helper;
    // A program that is gone stands for one that the kernel skips, which cannot be brought about here. Programs are loaded, attached and run in one order.
    const links = readdirSync(`/proc/${pid}/fd`)
      .filter((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`).includes('bpf_link'))
      .toSorted((a, b) => Number(readFdinfo(a, pid).get('prog_id')) - Number(readFdinfo(b, pid).get('prog_id')));
    t.is(links.length, 6);
    for (let gone = 0; gone < 3; gone++) {
      // From inside: the helper closes its links, the first of the three on each tracepoint that are left.
      for (const link of gone === 0 ? [] : [links[gone - 1], links[gone + 2]]) {
        t.is(spawnSync(fixture('inject-syscall'), [String(pid), CLOSE, String(link)]).stdout.toString(), '0\n');
      }
      const program = await run(noOp, [`${gone} gone`]);
      await sensor.exit(program.pid);
      await sensor.settle();
      t.is(sensor.execsOf(program.pid).length, 1, `${gone} gone`);
      t.is(sensor.exits((event) => event.pid === program.pid).length, 1, `${gone} gone`);
    }
  },
);
