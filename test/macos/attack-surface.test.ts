// docs/attack-surface.md on macOS, compared with the helper's own processes on Linux: a stand-in traces.
import { globSync, lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import path from 'node:path';
import test from 'ava';
import { DESCRIPTORS } from '../../helper/macos/child/handoff.ts';
import { tableOf } from '../support/markdown.ts';
import { ROOT } from '../support/repository.ts';
import { rootTest } from '../support/requirements.ts';
import { ChildHelper } from './support/child-helper.ts';

const PAGE = readFileSync(path.join(ROOT, 'docs/attack-surface.md'), 'utf8');
const ACCESS = ['read', 'write', 'read, write'];
const childrenOf = (pid: number): number[] =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').trim().split(' ').map(Number);
const linkOf = (pid: number, fd: number | string): string => readlinkSync(`/proc/${pid}/fd/${fd}`);

rootTest('the descriptors between the processes are those that the page lists, and no others', async (t) => {
  const helper = await new ChildHelper('eslogger', ['healthy', 3]).connect();
  try {
    await helper.until(() => helper.marks.length === 3);
    const watching = helper.process.pid ?? 0;
    const [forwarding = 0, tracer = 0] = childrenOf(watching).toSorted(
      (a, b) =>
        Number(readFileSync(`/proc/${b}/cmdline`, 'latin1').includes('forward')) -
        Number(readFileSync(`/proc/${a}/cmdline`, 'latin1').includes('forward')),
    );
    const names = new Map([
      [linkOf(forwarding, DESCRIPTORS.listener), "the pipe's socket, listening"],
      [linkOf(forwarding, DESCRIPTORS.output), "the tracer's output"],
      [linkOf(forwarding, DESCRIPTORS.errors), "the tracer's errors"],
      [linkOf(forwarding, DESCRIPTORS.again), 'request'],
      [linkOf(forwarding, DESCRIPTORS.life), 'life'],
      [`${helper.socket}.lock`, 'the lock'],
    ]);
    t.is(names.size, 6);
    const found = Object.entries({ watching, forwarding, tracer }).flatMap(([name, pid]) =>
      readdirSync(`/proc/${pid}/fd`).flatMap((fd): string[] => {
        const what = names.get(linkOf(pid, fd));
        const flags = Number.parseInt(
          /^flags:\s*(\d+)$/m.exec(readFileSync(`/proc/${pid}/fdinfo/${fd}`, 'latin1'))?.[1] ?? '',
          8,
        );
        return what === undefined ? [] : [`${name}: ${what}, ${ACCESS[flags & 3]}`];
      }),
    );
    const listed = tableOf(PAGE, 'Descriptors on macOS').map(
      (row) => `${row['process']}: ${row['descriptor']}, ${row['access']}`,
    );
    // The stand-in opens its standard output by name a second time.
    t.deepEqual([...new Set(found)].toSorted(), listed.toSorted());
  } finally {
    await helper.stop();
  }
});

rootTest('what is made in the file system has the modes and owners that the page lists', async (t) => {
  const helper = await new ChildHelper('eslogger', ['healthy', 3]).connect();
  try {
    const folder = path.dirname(helper.socket);
    const group = lstatSync(helper.socket).gid;
    const made = [folder, ...readdirSync(folder).map((name) => path.join(folder, name))].map((file) => {
      const { mode, uid, gid } = lstatSync(file);
      return [file.slice(folder.length + 1), (mode & 0o7777).toString(8).padStart(4, '0'), uid, gid];
    });
    const owners: Readonly<Record<string, number>> = { '`root`': 0, '`--group`': group };
    const listed = tableOf(PAGE, 'Paths on macOS').map((row) => [
      row['path']?.replaceAll('`', '').slice('/var/db/platform-probes/'.length),
      row['mode']?.replaceAll('`', ''),
      owners[row['owner'] ?? ''],
      owners[row['group'] ?? ''],
    ]);
    t.deepEqual(made.toSorted(), listed.toSorted());
    t.is(group, 64_912);
  } finally {
    await helper.stop();
  }
});

test('the programs that the code of macOS names are those that the page lists', (t) => {
  const folder = path.join(ROOT, 'helper/macos');
  const named = globSync('**/*.ts', { cwd: folder }).flatMap((file) =>
    [
      ...readFileSync(path.join(folder, file), 'utf8').matchAll(/'(\/(?:usr\/)?s?bin\/[^']+|\/usr\/libexec\/[^']+)'/gu),
    ].map((match) => match[1] ?? ''),
  );
  const listed = tableOf(PAGE, 'Programs that are run on macOS').map(
    (row) => row['program']?.replaceAll('`', '') ?? '',
  );
  t.deepEqual(listed.toSorted(), [...new Set(named)].toSorted());
});
