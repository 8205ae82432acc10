import test from 'ava';
import { Enrichment } from '../../../agent/enrichment/enrichment.ts';
import type { Lookups } from '../../../agent/rules/fields/lookups.ts';
import { execEvent } from '../../support/fake-helper.ts';

const server = execEvent(1, {
  pid: 7,
  start_time: 70,
  uid: 0,
  exe: '/web',
  argv: ['web'],
  parent: { pid: 1, start_time: 1, exe: '/init' },
});
const shell = execEvent(2, { pid: 9, start_time: 90, parent: { pid: 7, start_time: 70, exe: '/web' } });
const NAMES: ReadonlySet<keyof Lookups> = new Set([
  'userName',
  'parentCommandLine',
  'parentUser',
  'grandParentImage',
  'entityId',
  'parentEntityId',
  'digests',
] as const);

test('look-ups answer from what was seen', (t) => {
  const known = new Enrichment({ live: false });
  known.begin('boot');
  known.tree.see(server);
  const lookups = known.lookups(NAMES);
  t.is(lookups.parentCommandLine?.(shell), 'web');
  t.is(lookups.parentUser?.(shell), '0');
  t.is(lookups.grandParentImage?.(shell), '/init');
  t.is(lookups.entityId?.(shell), 'boot/9/90');
  t.is(lookups.parentEntityId?.(shell), 'boot/7/70');
  const { parent: _, start_time: __, ...orphan } = shell;
  t.deepEqual(
    [lookups.parentUser?.(orphan), lookups.entityId?.(orphan), lookups.parentEntityId?.(orphan)],
    [undefined, undefined, undefined],
  );
  t.deepEqual(known.contextOf(orphan), {});
});

test('there are no look-ups but those that are needed, and for events of elsewhere none that ask this machine', (t) => {
  t.deepEqual(Object.keys(new Enrichment({ live: true }).lookups(new Set(['userName']))), ['userName']);
  t.deepEqual(Object.keys(new Enrichment({ live: false }).lookups(NAMES)).toSorted(), [
    'entityId',
    'grandParentImage',
    'parentCommandLine',
    'parentEntityId',
    'parentUser',
  ]);
  t.is(new Enrichment({ live: true }).lookups(NAMES).userName?.(0), 'root');
});

test('another boot has other processes, a connection within the boot does not', (t) => {
  const known = new Enrichment({ live: false });
  known.begin('one');
  known.tree.see(server);
  known.begin('one');
  t.is(known.tree.parentOf(shell)?.commandLine, 'web');
  known.begin('two');
  t.is(known.tree.parentOf(shell), undefined);
});
