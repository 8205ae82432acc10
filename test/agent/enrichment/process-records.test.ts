import { execFileSync } from 'node:child_process';
import test from 'ava';
import fc from 'fast-check';
import { KnownProcess } from '../../../agent/enrichment/known-process.ts';
import { ProcessRecords } from '../../../agent/enrichment/process-records.ts';

const MIB = 2 ** 20;

const textOf = fc.option(
  fc.oneof(fc.string(), fc.string({ unit: 'binary' }), fc.constantFrom('', '日本', '\ud800', 'é')),
  { nil: undefined },
);
const number = fc.option(fc.nat({ max: Number.MAX_SAFE_INTEGER }), { nil: undefined });
const reference = fc.record({ pid: fc.nat(), start_time: number, exe: textOf }).map(
  ({ pid, start_time, exe }) =>
    ({ pid, ...(start_time === undefined ? {} : { start_time }), ...(exe === undefined ? {} : { exe }) }) as {
      pid: number;
      start_time?: number;
      exe?: string;
    },
);
const processes = fc
  .tuple(reference, textOf, fc.oneof(number, textOf), fc.option(reference, { nil: undefined }), fc.boolean())
  .map(([own, commandLine, user, parent, hasEnded]) => new KnownProcess(own, commandLine, user, parent, hasEnded));

test('a process is read as it was set, with any text and any fact missing', (t) => {
  fc.assert(
    fc.property(processes, (process) => {
      const records = new ProcessRecords({ entries: 4, bytes: MIB });
      records.set(process);
      t.deepEqual(records.get(process.pid), process);
    }),
  );
});

test('texts are told apart by what they take in UTF-8, also where that is cut as long as they are', (t) => {
  for (const image of ['é\ud800', 'é€', '€é', 'éa€', 'ÿ', '\ud800', 'aé€€', 'éé', 'a', '']) {
    const records = new ProcessRecords({ entries: 4, bytes: MIB });
    const process = new KnownProcess({ pid: 1, exe: image });
    records.set(process);
    t.deepEqual(records.get(1), process, JSON.stringify(image));
  }
});

test('a random order of calls answers as a map does, for what is still held', (t) => {
  const pid = fc.nat({ max: 12 });
  const call = fc.oneof(
    fc.record({ do: fc.constant('get' as const), pid }),
    fc.record({ do: fc.constant('end' as const), pid, start: fc.nat({ max: 2 }) }),
    fc.record({ do: fc.constant('set' as const), pid, start: fc.nat({ max: 2 }), length: fc.nat({ max: 400 }) }),
  );
  let answered = 0;
  fc.assert(
    fc.property(fc.array(call, { maxLength: 200 }), (calls) => {
      const records = new ProcessRecords({ entries: 16, bytes: 2048 });
      const model = new Map<number, KnownProcess>();
      for (const each of calls) {
        const known = model.get(each.pid);
        if (each.do === 'set') {
          const set = new KnownProcess({ pid: each.pid, start_time: each.start }, 'x'.repeat(each.length));
          records.set(set);
          model.set(each.pid, set);
        } else if (each.do === 'end') {
          records.end(each.pid, each.start);
          if (known?.startTime === each.start)
            model.set(
              each.pid,
              new KnownProcess(
                { pid: each.pid, start_time: each.start },
                known.commandLine,
                undefined,
                undefined,
                true,
              ),
            );
        }
        const found = records.get(each.pid);
        if (each.do === 'set') t.truthy(found, 'what was set last is there');
        if (found === undefined) model.delete(each.pid);
        else t.deepEqual(found, model.get(each.pid));
        if (found !== undefined) answered++;
        t.true(records.size <= 16 && records.bytes <= 2048);
      }
    }),
  );
  t.true(answered > 100);
});

test('what does not fit is not remembered, and takes the place of nobody', (t) => {
  const records = new ProcessRecords({ entries: 16, bytes: 2048 });
  records.set(new KnownProcess({ pid: 1 }, 'small'));
  records.set(new KnownProcess({ pid: 2 }, 'before'));
  records.set(new KnownProcess({ pid: 2 }, 'x'.repeat(2048)));
  t.is(records.get(1)?.commandLine, 'small');
  t.is(records.get(2), undefined, 'the pid is no longer that of the process before');
});

test('what is asked for now and then stays, the rest goes', (t) => {
  const records = new ProcessRecords({ entries: 100, bytes: 64 * 1024 });
  for (let pid = 0; pid < 5000; pid++) {
    records.set(new KnownProcess({ pid }, `command ${pid}`));
    if (pid >= 7) t.is(records.get(7)?.commandLine, 'command 7');
  }
  t.is(records.get(4999)?.commandLine, 'command 4999');
  t.is(records.get(4000), undefined);
});

/** In a process of its own: what it prints is the memory that many processes take, in bytes. */
const MEASURE = `
import { KnownProcess } from './agent/enrichment/known-process.ts';
import { ProcessRecords } from './agent/enrichment/process-records.ts';
const bytes = () => { gc(); gc(); const { heapUsed, external } = process.memoryUsage(); return heapUsed + external; };
const fill = (records, to) => {
  for (let pid = 0; pid < to; pid++) {
    const text = (pid % 9 === 0 ? 'ж' : 'x').repeat(1 + (pid * 7919) % 4096) + pid;
    records.set(new KnownProcess({ pid, start_time: 1e12 + pid, exe: '/bin/' + pid }, text, 'S-1-5-' + pid, { pid: pid + 1, start_time: 1e12, exe: '/bin/parent' + pid }));
  }
};
fill(new ProcessRecords({ entries: 16384, bytes: ${MIB} }), 5000);
const before = bytes();
const records = new ProcessRecords({ entries: 16384, bytes: ${8 * MIB} });
fill(records, 100_000);
console.log(bytes() - before, records.size);
`;

test('the bound is one of real memory: the process grows by no more, whatever the texts', (t) => {
  const output = execFileSync(
    process.execPath,
    ['--expose-gc', '--import=tsx', '--input-type=module', '--eval', MEASURE],
    { encoding: 'utf8' },
  );
  const [grown = Number.NaN, size = Number.NaN] = output.split(' ').map(Number);
  t.true(size > 1000, output);
  // Beside the records: two tables of numbers.
  t.true(grown > 6 * MIB && grown < 10 * MIB, `${grown} bytes`);
});
