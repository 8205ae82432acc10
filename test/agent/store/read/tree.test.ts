import test from 'ava';
import { QueryError } from '../../../../agent/store/read/errors.ts';
import { openStore } from '../../../../agent/store/read/partitions.ts';
import { treeOf, type Tree, type TreeOptions } from '../../../../agent/store/read/tree.ts';
import { FORK_EXAMPLE } from '../../../../shared/events/fork.ts';
import { execEvent } from '../../../support/fake-helper.ts';
import { StoreFolder, stored } from '../support.ts';

let seq = 0;
const run = (
  command: string,
  pid: number,
  start: number,
  parent?: { pid: number; start_time?: number; exe?: string },
) => {
  const { parent: _, ...event } = execEvent(++seq, { command, pid, start_time: start });
  return parent === undefined ? event : { ...event, parent };
};

function tree(store: StoreFolder, options: Partial<TreeOptions> & { pid: number }): Tree {
  using read = openStore(store.folder);
  const found = treeOf(read, { limit: 100, deadline: Infinity, ...options });
  if (read.problems.length > 0) throw new Error(read.problems.join());
  return found;
}

const shapeOf = ({ lines }: Tree): string[] =>
  lines.map(({ depth, line }) => `${depth} ${(JSON.parse(line) as { command: string }).command}`);

const SHELL = { pid: 20, start_time: 200 };
const MAKE = { pid: 30, start_time: 300 };

test('a process with its ancestors and descendants, over partitions; a pid that came again joins no strangers', (t) => {
  using store = new StoreFolder();
  let now = 0;
  const writer = store.writer({ maxAgeMs: 8000, now: () => now });
  const nextPartition = (): void => {
    now += 1000;
    writer.tidy();
  };
  writer.write(stored([run('sshd', 10, 100, { pid: 1, start_time: 1, exe: '/sbin/init' })]));
  writer.write(stored([run('stranger', 30, 250, { pid: 10, start_time: 100 })]));
  writer.write(stored([run('child of stranger', 41, 260, { pid: 30, start_time: 250 })]));
  writer.write(
    stored([
      run('env bash', 20, 200, { pid: 10, start_time: 100 }),
      run('bash', 20, 200, { pid: 10, start_time: 100 }),
    ]),
  );
  nextPartition();
  writer.write(stored([run('make', 30, 300, SHELL), run('ls', 31, 301, SHELL)]));
  writer.write(stored([run('cc1', 40, 400, MAKE), run('as', 50, 500, { pid: 40, start_time: 400 })]));
  nextPartition();
  writer.write(stored([run('ld', 42, 420, MAKE)]));
  // Another boot has the same numbers.
  writer.write(stored([run('elsewhere', 43, 430, MAKE)], { bootId: 'another' }));
  writer.close();
  const found = tree(store, { pid: 30 });
  t.deepEqual(shapeOf(found), ['-2 sshd', '-1 env bash', '-1 bash', '0 make', '1 cc1', '2 as', '1 ld']);
  t.deepEqual(found.above, { pid: 1, exe: '/sbin/init' });
  t.deepEqual(
    found.others.map(({ startTime }) => startTime),
    [250],
  );
  t.deepEqual(shapeOf(tree(store, { pid: 30, startTime: 250 })), ['-1 sshd', '0 stranger', '1 child of stranger']);
  t.deepEqual(shapeOf(tree(store, { pid: 50 })).at(-1), '0 as');
});

test('a tree that goes in a circle ends, and one that is too large is cut', (t) => {
  using store = new StoreFolder().with(
    run('a', 1, 1, { pid: 2, start_time: 2 }),
    run('b', 2, 2, { pid: 1, start_time: 1 }),
    ...Array.from({ length: 200 }, (_, i) => run(`child ${i}`, 100 + i, 100 + i, { pid: 2, start_time: 2 })),
  );
  const found = tree(store, { pid: 1, limit: 150 });
  t.is(found.lines.length, 150);
  t.true(found.isCut);
});

test('what the store does not have is said', (t) => {
  using store = new StoreFolder().with(run('a', 1, 1));
  t.throws(() => tree(store, { pid: 5 }), { instanceOf: QueryError, message: /no program that process 5 ran/ });
  t.throws(() => tree(store, { pid: 1, startTime: 9 }), { message: /process 1 did not start at 9; it did at 1/ });
  t.throws(() => tree(store, { pid: 1, deadline: 0 }), { instanceOf: QueryError, message: /time is up/ });
});

test('forks are links of the chain; of a process that executed something, they are not shown', (t) => {
  using store = new StoreFolder();
  const writer = store.writer();
  const fork = (pid: number, start: number, parent: { pid: number; start_time: number }) => ({
    ...FORK_EXAMPLE,
    seq: ++seq,
    pid,
    start_time: start,
    ppid: parent.pid,
    parent,
  });
  const subshell = { pid: 25, start_time: 250 };
  writer.write(
    stored([
      run('bash', 20, 200, { pid: 1, start_time: 1 }),
      fork(25, 250, SHELL),
      fork(30, 300, subshell),
      run('make', 30, 300, subshell),
      fork(35, 350, MAKE),
    ]),
  );
  writer.close();
  const shape = (pid: number) =>
    tree(store, { pid }).lines.map(({ depth, line }) => {
      const { type, pid: of } = JSON.parse(line) as { type: string; pid: number };
      return `${depth} ${type} ${of}`;
    });
  t.deepEqual(shape(30), ['-2 exec 20', '-1 fork 25', '0 exec 30', '1 fork 35']);
  t.deepEqual(shape(35), ['-3 exec 20', '-2 fork 25', '-1 exec 30', '0 fork 35']);
});
