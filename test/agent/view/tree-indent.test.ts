import test from 'ava';
import { MAX_PROCESSES, TreeIndent } from '../../../agent/view/tree-indent.ts';

const exec = (pid: number, parent?: number, type: 'exec' | 'exec_failed' | 'fork' = 'exec') => ({
  type,
  pid,
  start_time: pid * 10,
  ...(parent === undefined ? {} : { parent: { pid: parent, start_time: parent * 10 } }),
});

test('a command stands under its parent; one whose parent was not seen, at the left', (t) => {
  const tree = new TreeIndent(true);
  t.is(tree.of(exec(1)), '');
  t.is(tree.of(exec(2, 1)), '└ ');
  t.is(tree.of(exec(3, 2)), '  └ ');
  t.is(tree.of(exec(4, 99)), '');
  t.is(tree.of(exec(2, 1)), '└ ', 'another program in the same process');
  t.is(new TreeIndent(false).of(exec(1)), '');
});

test('in ASCII where the terminal shows no more', (t) => {
  const tree = new TreeIndent(false);
  tree.of(exec(1));
  t.is(tree.of(exec(2, 1)), String.raw`\_ `);
});

test('a child that comes before its parent stays where it was drawn', (t) => {
  const tree = new TreeIndent(true);
  t.is(tree.of(exec(3, 2)), '');
  t.is(tree.of(exec(2, 1)), '');
  t.is(tree.of(exec(3, 2)), '', 'not drawn elsewhere now');
  t.is(tree.of(exec(4, 3)), '└ ');
});

test('a number that is used again is another process; an attempt that failed is none', (t) => {
  const tree = new TreeIndent(true);
  tree.of(exec(1));
  t.is(tree.of({ type: 'exec', pid: 2, start_time: 5, parent: { pid: 1, start_time: 999 } }), '');
  t.is(tree.of(exec(7, 1, 'exec_failed')), '└ ');
  t.is(tree.of(exec(8, 7)), '');
});

test('depth is drawn up to a bound, and so many processes are remembered', (t) => {
  const tree = new TreeIndent(true);
  for (let pid = 1; pid <= MAX_PROCESSES + 1000; pid++) t.true(tree.of(exec(pid, pid - 1)).length <= 24);
  t.is(tree.size, MAX_PROCESSES);
});

test('a process that was made and executed nothing is a step of the tree', (t) => {
  const tree = new TreeIndent(true);
  tree.of(exec(1));
  t.is(tree.of(exec(2, 1, 'fork')), '└ ');
  t.is(tree.of(exec(3, 2)), '  └ ');
  t.is(tree.of(exec(2, 1)), '└ ', 'where it was drawn when it was made');
});
