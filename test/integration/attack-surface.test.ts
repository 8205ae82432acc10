import { spawnSync } from 'node:child_process';
import { existsSync, lstatSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import path from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { ALLOWED, AT_START, conditions } from '../../helper/linux/forward/seccomp.ts';
import { AgentRun } from '../support/agent-process.ts';
import { fixture } from '../support/fixtures.ts';
import {
  CLIENT_GID,
  CLIENT_UID,
  HELPER_UID,
  startHelper,
  threadStatuses,
  type RunningHelper,
} from '../support/helper-process.ts';
import { tableOf, type Row } from '../support/markdown.ts';
import { NotifySocket } from '../support/notify-socket.ts';
import { PipeClient } from '../support/pipe-client.ts';
import { kernelTest, tracepointTest } from '../support/requirements.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
const PAGE = readFileSync(path.join(ROOT, 'docs/attack-surface.md'), 'utf8');
const table = (heading: string): Row[] => tableOf(PAGE, heading);

const manager = new NotifySocket();
const ALL = ['--pin', '--exits', '--forks', '--env', 'LD_PRELOAD', '--failures', `--notify=${manager.address}`];
/** The two columns of numbers, and how a helper is started that they hold for. */
const RUNS: [column: string, flags: string[]][] = [
  ['plain', []],
  ['all flags', ALL],
];

let helper: RunningHelper;
let client: PipeClient;
let agent: AgentRun | undefined;

const folder = (): string => path.dirname(helper.socket);
const pins = (): string => `/sys/fs/bpf/${path.basename(folder())}`;
const octal = (file: string): string => (lstatSync(file).mode & 0o7777).toString(8).padStart(4, '0');

/** Starts a helper with one client, and waits until it serves it. */
async function start(flags: string[], wrapper: string[] = []): Promise<void> {
  helper = await startHelper(flags, { wrapper });
  client = new PipeClient(helper.socket);
  await client.until(({ events }) => events.length > 0);
}

test.after.always(() => manager[Symbol.dispose]());

test.afterEach.always(async () => {
  const pinned = helper === undefined ? undefined : pins();
  client?.close();
  await agent?.remove();
  agent = undefined;
  await helper?.stop();
  if (pinned !== undefined) rmSync(pinned, { recursive: true, force: true });
});

/** The type of /proc/net/unix. */
const SOCK_DGRAM = '0002';

/** The states of the sockets in the kernel's list, by inode number. */
const unixSockets = (): ReadonlyMap<string, string> =>
  new Map(
    readFileSync('/proc/net/unix', 'latin1')
      .split('\n')
      .map((line) => line.trim().split(/\s+/))
      .map((fields) => [
        fields[6] ?? '',
        `${fields[3] === '00010000' ? 'listening' : fields[4] === SOCK_DGRAM ? 'datagrams' : 'connected'} ${fields[7] ?? ''}`,
      ]),
  );

/** The kind of a descriptor, in the words of the document. The kernel says it; the helper is not asked. */
function kindOf(
  fd: string,
  target: string,
  info: ReadonlyMap<string, string>,
  sockets: ReadonlyMap<string, string>,
): string {
  if (Number(fd) <= 1) return 'standard input, output';
  if (fd === '2') return 'standard error';
  if (target === `${helper.socket}.lock`) return '`events.sock.lock`';
  if (target === pins()) return 'folder of the pins';
  if (target.startsWith('socket:')) {
    const [state, name] = (sockets.get(/\d+/.exec(target)?.[0] ?? '') ?? '').split(' ');
    if (state === 'datagrams' && name === '') return 'socket of the service manager';
    if (name === helper.socket) return state === 'listening' ? '`events.sock`, listening' : 'a client';
  }
  if (target === 'anon_inode:bpf-map') {
    if (info.get('map_type') === '27') return 'map `ring`';
    return info.get('value_size') === '4096' ? 'map `backlog`' : 'map `counters`';
  }
  if (target === 'anon_inode:bpf-prog') return 'a kernel program';
  if (['anon_inode:bpf_link', 'anon_inode:bpf-link', 'anon_inode:[perf_event]'].includes(target))
    return 'the link that keeps a program attached';
  if (/^\/proc\/\d+\/fdinfo\/\d+$/.test(target)) return '`/proc/self/fdinfo/N` of a program';
  return (
    { 'anon_inode:[eventpoll]': 'epoll', 'anon_inode:[eventfd]': 'eventfd' }[target] ??
    (target.startsWith('pipe:') ? 'pipe' : target)
  );
}

const ACCESS = ['read', 'write', 'read, write'];

/** Every descriptor of the process: how many of each kind and access. */
function descriptors(): Map<string, number> {
  const found = new Map<string, number>();
  const sockets = unixSockets();
  for (const fd of readdirSync(`/proc/${helper.pid}/fd`)) {
    const lines = readFileSync(`/proc/${helper.pid}/fdinfo/${fd}`, 'latin1').split('\n');
    const info = new Map(lines.map((line) => line.split(/:\s*/, 2) as [string, string]));
    const kind = kindOf(fd, readlinkSync(`/proc/${helper.pid}/fd/${fd}`), info, sockets);
    // The tests' own end of standard error is a socket, which stays as it came.
    const isSocket = fd === '2' && readlinkSync(`/proc/${helper.pid}/fd/2`).startsWith('socket:');
    const access = isSocket ? 'write' : ACCESS[Number.parseInt(info.get('flags') ?? '3', 8) & 3];
    const key = `${kind} | ${access}`;
    found.set(key, (found.get(key) ?? 0) + 1);
  }
  return found;
}

const sorted = (map: ReadonlyMap<string, unknown>): unknown[] => [...map].toSorted(([a], [b]) => (a < b ? -1 : 1));

for (const [column, flags] of RUNS) {
  (flags.includes('--failures') ? tracepointTest : kernelTest)(
    `descriptors, ${column}: the table's, and no other`,
    async (t) => {
      await start(flags);
      const listed = new Map(
        table('Descriptors')
          .map((row) => [`${row['kind']} | ${row['access']}`, Number.parseInt(row[column] ?? '', 10)] as const)
          .filter(([, count]) => count > 0),
      );
      t.deepEqual(sorted(descriptors()), sorted(listed));
    },
  );
}

kernelTest('of descriptors that a caller left open, none reaches the forwarding stage', async (t) => {
  await start([], ['/bin/bash', '-c', 'exec 40</etc/passwd 41>/dev/null 199</etc/hosts; exec "$@"', 'bash']);
  const listed = new Map(
    table('Descriptors')
      .map((row) => [`${row['kind']} | ${row['access']}`, Number.parseInt(row['plain'] ?? '', 10)] as const)
      .filter(([, count]) => count > 0),
  );
  t.deepEqual(sorted(descriptors()), sorted(listed));
});

kernelTest('no thread has more than the table says', async (t) => {
  await start([]);
  const rows = table('Identity and privileges');
  t.true(rows.length > 0);
  const words: Record<string, string> = { '--user': String(HELPER_UID), 'its group': String(HELPER_UID), 'none': '' };
  const threads = threadStatuses(helper.pid, readdirSync(`/proc/${helper.pid}/task`));
  for (const row of rows) {
    const field = (row['field'] ?? '').replaceAll('`', '');
    const value = (row['value'] ?? '').replaceAll('`', '');
    for (const status of threads) {
      const found = [
        ...new Set(
          (status.get(field) ?? 'absent')
            .trim()
            .split('\t')
            .map((word) => word.replace(/^0+(?=.)/, '')),
        ),
      ];
      t.deepEqual(found, [words[value] ?? value], field);
    }
  }
  t.is(readFileSync(`/proc/${helper.pid}/environ`, 'latin1').replaceAll('\0', ''), '', 'the environment is empty');
});

interface Mapping {
  access: string;
  bytes: number;
  file: string;
}

function mappings(pid: number): Mapping[] {
  return readFileSync(`/proc/${pid}/maps`, 'latin1')
    .trimEnd()
    .split('\n')
    .map((line) => {
      const [, from, to, access, file] = /^(\w+)-(\w+) (\S+) \S+ \S+ \S+\s*(.*)$/.exec(line) as unknown as [
        string,
        string,
        string,
        string,
        string,
      ];
      return { access, bytes: Number(BigInt(`0x${to}`) - BigInt(`0x${from}`)), file };
    });
}

/** Libraries by their name without the version, which is the system's. */
const stem = (file: string): string => path.basename(file).replace(/[-.](?:linux|\d|so\b).*$/, '');

kernelTest("memory that can be executed: the table's, and no other", async (t) => {
  await start(ALL.filter((flag) => flag !== '--failures' || existsSync('/sys/kernel/tracing/events')));
  const executable = mappings(helper.pid).filter(
    ({ access, file }) => access[2] === 'x' && !['[vdso]', '[vsyscall]'].includes(file),
  );
  t.deepEqual(
    executable.filter(({ access }) => access[1] === 'w'),
    [],
    'writable as well',
  );
  const found = new Set(executable.map(({ file }) => stem(file) || 'anonymous'));
  const listed = table('Executable memory').map((row) => stem((row['file'] ?? '').replaceAll('`', '')));
  t.deepEqual([...found].toSorted(), listed.toSorted());
});

kernelTest("memory that is shared with the kernel program: the table's, and no other", async (t) => {
  await start([]);
  const shared = mappings(helper.pid).filter(({ access }) => access[3] === 's');
  const found = shared.map(
    ({ access, bytes, file }) => `${file} ${access[1] === 'w' ? 'read, write' : 'read'} ${bytes}`,
  );
  const listed = table('Shared memory').map(
    (row) => `anon_inode:bpf-map ${row['access']} ${Number((row['bytes, by default'] ?? '').replaceAll(',', ''))}`,
  );
  t.deepEqual(found.toSorted(), listed.toSorted());
});

test("system calls: the tables' are those of the filters, with number, reason and arguments", (t) => {
  const rows = (heading: string): unknown[] =>
    table(heading).map((row) => [row['call'], row['x86-64'], row['arm64'], row['what for']]);
  const told = (calls: typeof ALLOWED): unknown[] =>
    calls.map(([name, x64, arm64, why]) => [`\`${name}\``, x64 < 0 ? '' : `${x64}`, arm64 < 0 ? '' : `${arm64}`, why]);
  t.deepEqual(rows('System calls'), told(ALLOWED));
  t.deepEqual(rows('System calls at start'), told(AT_START));
  const named = Object.keys(conditions({ highest: 0, wakeUps: [], kernelFiles: [] }));
  t.deepEqual(
    table('By argument')
      .map((row) => row['call'])
      .toSorted(),
    [...named, 'openat'].map((name) => `\`${name}\``).toSorted(),
  );
  for (const name of named)
    t.true(
      ALLOWED.some(([call]) => call === name),
      name,
    );
  t.true(PAGE.includes(`${ALLOWED.length} system calls are left`));
});

kernelTest('the bounds on resources are those of the table', async (t) => {
  await start([]);
  const limits = readFileSync(`/proc/${helper.pid}/limits`, 'latin1').split('\n');
  const softAndHard = (name: string): number[] =>
    (limits.find((line) => line.startsWith(name)) ?? '').slice(26).trim().split(/\s+/).slice(0, 2).map(Number);
  const [files, memory, core] = table('Resources').map((row) => softAndHard((row['limit'] ?? '').replaceAll('`', '')));
  const open = Math.max(...readdirSync(`/proc/${helper.pid}/fd`).map(Number));
  const [most = 0] = files ?? [];
  t.true(most >= open + 16 && most <= open + 1 + 16 + 4, `${most} descriptors, ${open} is the highest`);
  t.is(files?.[1], most);
  const [bytes = 0] = memory ?? [];
  const mapped = 1024 * Number(/^VmSize:\s+(\d+)/m.exec(readFileSync(`/proc/${helper.pid}/status`, 'latin1'))?.[1]);
  t.true(Math.abs(bytes - mapped - 2 ** 30) < 2 ** 28, `${bytes}, ${mapped} mapped`);
  t.is(memory?.[1], bytes);
  t.deepEqual(core, [0, 0]);
});

kernelTest('system calls: from inside, every number that is not in the table is refused', async (t) => {
  const column = process.arch === 'x64' ? 'x86-64' : 'arm64';
  await start([]);
  const listed = new Set(table('System calls').map((row) => Number(row[column] || -1)));
  const call = (number: number): string => {
    const { status, stdout, stderr } = spawnSync(
      fixture('inject-syscall'),
      [String(helper.pid), String(number), '0', '0', '0', '0', '0', '0'],
      { encoding: 'utf8' },
    );
    if (status !== 0) throw new Error(`${number}: ${stderr}`);
    return stdout.trim();
  };
  // By the kernel's own exception; one of them ends the process that calls it.
  const unseen = new Set(table('What no filter sees').map((row) => Number(row[column] || -1)));
  const x32 = process.arch === 'x64' ? [0x40000001, 0x40000000 + 59] : [];
  const numbers = [...Array.from({ length: 512 }, (_, number) => number), ...x32];
  t.deepEqual(
    numbers
      .filter((number) => !listed.has(number) && !unseen.has(number))
      .map((number) => [number, call(number)])
      .filter(([, result]) => result !== '-1'),
    [],
  );
});

/** Compares one table of paths with a folder of the system, both directions. */
function comparePaths(
  t: ExecutionContext,
  rows: readonly Row[],
  at: string,
  listed: readonly string[],
  nameOf: (file: string) => string,
): void {
  const owners: Record<string, number> = { 'root': 0, '--group': CLIENT_GID };
  const found = readdirSync(at).map((file) => nameOf(file));
  t.deepEqual(found.toSorted(), listed.toSorted(), at);
  for (const row of rows) {
    const name = (row['path'] ?? '').replaceAll('`', '');
    const files = name.endsWith('/')
      ? [at]
      : readdirSync(at)
          .filter((file) => nameOf(file) === path.basename(name))
          .map((file) => path.join(at, file));
    for (const file of files) {
      const { uid, gid } = lstatSync(file);
      t.deepEqual(
        [octal(file), uid, gid],
        [
          (row['mode'] ?? '').replaceAll('`', ''),
          owners[(row['owner'] ?? '').replaceAll('`', '')],
          owners[(row['group'] ?? '').replaceAll('`', '')],
        ],
        file,
      );
    }
  }
}

const names = (rows: readonly Row[]): string[] =>
  rows
    .map((row) => (row['path'] ?? '').replaceAll('`', ''))
    .filter((name) => !name.endsWith('/'))
    .map((name) => path.basename(name));

kernelTest("paths: the table's, with its modes and owners, and no other; without --pin no pins", async (t) => {
  await start([]);
  const rows = table('Paths');
  comparePaths(t, rows, folder(), names(rows), (file) => file);
  t.false(existsSync(pins()));
});

tracepointTest("pins: the table's, with its modes and owners, and no other", async (t) => {
  await start(ALL);
  const rows = table('Pins');
  comparePaths(t, rows, pins(), names(rows), (file) =>
    file.replace(/^(link-[a-z_]+)-[0-9a-f]{12}-[0-9a-f]+$/, '$1-OBJECT-MOMENT'),
  );
});

for (const [column, flags] of RUNS) {
  (flags.includes('--failures') ? tracepointTest : kernelTest)(
    `kernel programs, ${column}: the table's, and no other`,
    async (t) => {
      await start(flags);
      const listed = table('Kernel programs')
        .filter((row) => row[column] === 'attached')
        .map((row) => (row['program'] ?? '').replaceAll('`', ''));
      t.deepEqual([...client.hello.programs].toSorted(), listed.toSorted());
    },
  );
}

kernelTest(
  "agent: listens on nothing, has one socket, of the helper, and makes and keeps open the table's files",
  async (t) => {
    await start([]);
    agent = new AgentRun();
    const { pid = 0 } = agent.start(helper.socket);
    await agent.until(() => (agent?.written().length ?? 0) > 0);
    const targets = readdirSync(`/proc/${pid}/fd`)
      .filter((fd) => Number(fd) > 2)
      .map((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`));
    const inodes = new Set(
      targets.filter((target) => target.startsWith('socket:')).map((target) => /\d+/.exec(target)?.[0] ?? ''),
    );
    const inet = ['tcp', 'tcp6', 'udp', 'udp6', 'raw', 'raw6'].flatMap((kind) => {
      const file = `/proc/${pid}/net/${kind}`;
      return existsSync(file)
        ? readFileSync(file, 'latin1')
            .split('\n')
            .map((line) => line.trim().split(/\s+/)[9] ?? '')
        : [];
    });
    t.deepEqual(
      inet.filter((inode) => inodes.has(inode)),
      [],
    );
    const unix = unixSockets();
    t.deepEqual(
      [...inodes].map((inode) => (unix.get(inode) ?? 'unknown').split(' ')[0]),
      ['connected'],
    );
    // Files alone: /dev and nameless descriptors are the runtime's own.
    const files = targets
      .filter((target) => target.startsWith('/') && target !== '/dev/null')
      .map((target) => target.replace(agent?.events ?? '', 'PATH').replace(`/proc/${pid}/`, '/proc/PID/'));
    t.deepEqual(
      [...new Set(files)].toSorted(),
      table('Files of the agent')
        .map((row) => row['held open'] ?? '')
        .filter((name) => name !== '')
        .toSorted(),
    );
    const made = table('Files of the agent')
      .filter((row) => row['mode'] === '`0600`')
      .map((row) => (row['file'] ?? '').replaceAll('`', ''));
    const log = path.dirname(agent.events);
    t.deepEqual(readdirSync(log).toSorted(), made.map((name) => name.replace(/PATH|NAME/u, 'events.jsonl')).toSorted());
    for (const file of readdirSync(log)) t.is(octal(path.join(log, file)), '0600', file);
    for (const status of threadStatuses(pid, readdirSync(`/proc/${pid}/task`))) {
      t.is(status.get('CapEff'), '0000000000000000');
      t.deepEqual([...new Set(status.get('Uid')?.split('\t'))], [String(CLIENT_UID)]);
    }
  },
);
