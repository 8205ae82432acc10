import test from 'ava';
import fc from 'fast-check';
import { containerOf } from '../../../agent/containers/container.ts';
import { containerId } from '../../../helper/linux/source/paths.ts';
import { PATHS } from './paths.ts';

for (const [source, cgroup, container] of PATHS)
  test(`${source}: ${cgroup.slice(0, 60)}`, (t) => {
    t.deepEqual(containerOf(cgroup), container);
  });

test("an innermost container with an id of 64 digits is the helper's container_id", (t) => {
  for (const [source, cgroup, container] of PATHS)
    if (container !== undefined && container.id.length === 64) t.is(containerId(cgroup), container.id, source);
});

test('what stands below a container does not change it', (t) => {
  for (const [source, cgroup, container] of PATHS)
    if (container !== undefined) t.deepEqual(containerOf(`${cgroup}/a.slice/b.service`), container, source);
});

test('of a path whose beginning is missing, what is left still counts', (t) => {
  const id = 'ab'.repeat(32);
  t.deepEqual(containerOf(`burstable/pod1/docker-${id}.scope/x`), { id, runtime: 'docker' });
  t.deepEqual(containerOf(`cri-containerd-${id}.scope`), { id, runtime: 'containerd' });
});

const WORDS =
  ' docker docker- .scope .slice .service pod kubepods kubepods- burstable -pod crio- conmon- libpod- libpod_parent payload machine- systemd-nspawn@ lxc lxc.payload. buildkit : @ \\x2d \\x _'.split(
    ' ',
  );
WORDS.push('ab'.repeat(32));

/** The words that paths are made of, and what hostile ones may add. */
const WORD = fc.oneof(fc.constantFrom(...WORDS), fc.string({ unit: 'binary', maxLength: 8 }));
const COMPONENT = fc.array(WORD, { maxLength: 5 }).map((words) => words.join(''));
const PATH = fc.array(COMPONENT, { maxLength: 12 }).map((parts) => parts.join('/'));

test('any text is taken, and what is found is in it', (t) => {
  fc.assert(
    fc.property(PATH, (cgroup) => {
      const found = containerOf(cgroup);
      if (found === undefined) return;
      t.true(found.id.length > 0);
      if (found.runtime !== 'systemd-nspawn') t.true(cgroup.includes(found.id));
      t.is(found.pod_uid === undefined, found.qos === undefined);
      if (found.pod_uid !== undefined) t.true(cgroup.replaceAll('_', '-').includes(found.pod_uid.replaceAll('_', '-')));
    }),
    { numRuns: 2000 },
  );
});

test('a megabyte of any one word is read to its end', (t) => {
  const words = ['docker-', 'a', '/', 'kubepods-', '\\x2d', ':', 'ab'.repeat(32), '/lxc/', '-pod', 'machine-', '@'];
  // A search that begins anew at each character would not end while anybody waits.
  for (const word of words) t.notThrows(() => containerOf(word.repeat(1_000_000 / word.length)), word);
});
