import test from 'ava';
import fc from 'fast-check';
import { readLine, type ShownEvent } from '../../../agent/page/event-model.ts';
import { ProcessTree, type TreeNode } from '../../../agent/page/tree-model.ts';
import { execEvent } from '../../support/fake-helper.ts';

function exec(pid: number, parent?: number, more: object = {}): ShownEvent {
  const above = parent === undefined ? undefined : { pid: parent, start_time: parent * 10, exe: `/bin/p${parent}` };
  const { parent: _, ...rest } = execEvent(1, {
    pid,
    start_time: pid * 10,
    command: `/bin/p${pid} run`,
    exe: `/bin/p${pid}`,
  });
  const line = readLine(JSON.stringify({ ...rest, ...(above && { parent: above }), ...more }));
  if (line.kind !== 'event') throw new Error(line.kind);
  return line.event;
}

/** Labels, indented by depth. */
function drawn(nodes: Iterable<TreeNode>, depth = 0): string[] {
  return [...nodes].flatMap((node) => ['  '.repeat(depth) + node.label, ...drawn(node.children, depth + 1)]);
}

test('processes stand under their parents, in whatever order they come', (t) => {
  const tree = new ProcessTree();
  tree.add(exec(3, 2), undefined);
  t.deepEqual(drawn(tree.roots), ['/bin/p2', '  /bin/p3 run']);
  tree.add(exec(2, 1), 'high');
  t.deepEqual(drawn(tree.roots), ['/bin/p1', '  /bin/p2 run', '    /bin/p3 run']);
  t.is([...tree.roots[0]!.children][0]!.level, 'high');
});

test('the same number with another start is another process', (t) => {
  const tree = new ProcessTree();
  tree.add(exec(2, 1), undefined);
  tree.add(exec(2, 1, { start_time: 999, command: '/bin/later' }), undefined);
  t.deepEqual(drawn(tree.roots), ['/bin/p1', '  /bin/p2 run', '  /bin/later']);
});

test('ancestors of an alert fill in what the page did not see', (t) => {
  const tree = new ProcessTree();
  tree.add(exec(1), undefined);
  const ancestors = [
    { pid: 4, exe: '/bin/p4' },
    { pid: 3, command_line: '/bin/p3 -x' },
    { pid: 1, exe: '/bin/p1' },
  ];
  tree.add(exec(5, 4, { ancestors }), 'medium');
  t.deepEqual(drawn(tree.roots), ['/bin/p1 run', '  /bin/p3 -x', '    /bin/p4', '      /bin/p5 run']);
});

test('an ancestor that an alert named by its number alone is the process that comes later', (t) => {
  const tree = new ProcessTree();
  tree.add(
    exec(5, 4, {
      ancestors: [
        { pid: 4, exe: '/bin/p4' },
        { pid: 3, exe: '/bin/p3' },
      ],
    }),
    'high',
  );
  tree.add(exec(3, 1), undefined);
  t.deepEqual(drawn(tree.roots), ['/bin/p1', '  /bin/p3 run', '    /bin/p4', '      /bin/p5 run']);
});

test('whatever comes, it stays within its bound, is a forest, and loses no node that it holds', (t) => {
  const MAX = 40;
  const event = fc.record({ pid: fc.nat(30), parent: fc.option(fc.nat(30), { nil: undefined }), start: fc.nat(3) });
  fc.assert(
    fc.property(fc.array(event, { maxLength: 300 }), (events) => {
      const tree = new ProcessTree(MAX);
      for (const { pid, parent, start } of events)
        tree.add(exec(pid, parent, { start_time: pid * 10 + start }), undefined);
      const seen = new Set<TreeNode>();
      const visit = (node: TreeNode): void => {
        if (seen.has(node)) throw new Error('twice');
        seen.add(node);
        for (const child of node.children) {
          if (child.parent !== node) throw new Error('a child of another');
          visit(child);
        }
      };
      tree.roots.forEach(visit);
      return tree.size <= MAX && seen.size === tree.size;
    }),
  );
  t.pass();
});
