import { readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import type { Verdict } from '../../agent/completeness/verdict.ts';
import { execEvent, FakeHelper, gapEvent } from '../support/fake-helper.ts';
import { Workplace } from './support/agent-process.ts';
import { killed, read, start } from './support/outputs.ts';
import { agent as run } from './support/run.ts';

const LIVES = 4;

test.serial(
  'files of an agent that was killed and stopped, rotated, with a filter: complete; without a line: not',
  async (t) => {
    using work = new Workplace();
    await using helper = await new FakeHelper().listen();
    const config = `source: { socket: ${helper.socketPath} }
filters:
  - { name: noise, detection: { tool: { Image|endswith: /cc1 }, condition: tool }, action: drop }
outputs:
  - { name: all, type: file, path: ${work.path('all')}, identity: true, max_bytes: 200KiB, max_files: 1000 }
`;
    let sent = 0;
    for (let life = 0; life < LIVES; life++) {
      await using agent = await start(work, config);
      await agent.until(() => agent.countOf('HelperConnected') === 1);
      for (let i = 0; i < 30; i++) {
        helper.send(
          ...Array.from({ length: 50 }, () =>
            execEvent(++sent, sent % 3 === 0 ? { exe: '/usr/lib/cc1', filename: '/usr/lib/cc1' } : {}),
          ),
          gapEvent(sent + 1, sent + 4),
        );
        sent += 4;
        await delay(5);
      }
      helper.send(execEvent(++sent));
      helper.hello.last_seq = sent;
      const isLast = life === LIVES - 1;
      if (isLast) await agent.until(() => read(work.path('all')).includes(`"seq":${sent},`));
      if (isLast || life === 1) t.is(await agent.end(), 0);
      else await killed(agent);
    }
    const files = work.rotated('all').toReversed();
    t.true(files.length > 3, 'it was rotated');

    const verdictOf = async (): Promise<{ code: number | null; verdict: Verdict }> => {
      const { code, stdout } = await run('verify', '--whole', ...files);
      return { code, verdict: (JSON.parse(stdout) as { streams: Verdict[] }).streams[0]! };
    };
    const good = await verdictOf();
    t.deepEqual(good.verdict.problems, []);
    t.deepEqual(good.verdict.notes, []);
    t.is(good.code, 0);
    t.is(good.verdict.complete_to, sent);
    t.is(good.verdict.in_gaps, LIVES * 30 * 4);
    t.true(good.verdict.filtered > (LIVES * 30 * 50) / 4);

    const lines = readFileSync(files[2]!, 'utf8').split('\n');
    const victim = lines.findIndex((line) => line.includes('"type":"exec"'));
    writeFileSync(files[2]!, lines.filter((_, i) => i !== victim).join('\n'));
    const { code, verdict } = await verdictOf();
    t.is(code, 9);
    t.like(verdict, {
      problem_count: 1,
      problems: { 0: { kind: 'lines_missing', events: 1, gap_numbers: 0, others: 0 } },
    });
    const [problem] = verdict.problems;
    const number = (JSON.parse(lines[victim]!) as { seq: number }).seq;
    t.true(problem?.kind === 'lines_missing' && problem.from <= number && number <= problem.to);
  },
);
