// The helper with the capabilities that a container gets: those of docs/containers.md and no other.
import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import path from 'node:path';
import type { ExecutionContext } from 'ava';
import type { ExecEvent } from '../../shared/events/exec.ts';
import { fixture } from '../support/fixtures.ts';
import { CLIENT_GID, helperCommand, startHelper, type RunningHelper } from '../support/helper-process.ts';
import { PipeClient, requireDense } from '../support/pipe-client.ts';
import { fewCapabilitiesTest } from '../support/requirements.ts';

/** By name, and by number for setpriv(1) of systems that do not know the name yet. */
const NEEDED = { BPF: 'cap_39', PERFMON: 'cap_38', SETUID: 'setuid', SETGID: 'setgid', SETPCAP: 'setpcap' };
const AUDIT = ['sys_admin', 'sys_ptrace', 'dac_read_search'];
const noOp = fixture('no-op');

/** Runs a program as root with these capabilities alone, in the group of the socket. */
const withOnly = (capabilities: readonly string[]): string[] => [
  'setpriv',
  `--bounding-set=-all${capabilities.map((name) => `,+${name}`).join('')}`,
  '--inh-caps=-all',
  '--regid',
  String(CLIENT_GID),
  '--clear-groups',
  '--no-new-privs',
];

let count = 0;
const newSocket = (): string => `/run/platform-probes-capabilities-${process.pid}-${count++}/events.sock`;

/** Starts a helper that ends with the test. */
async function helperOf(t: ExecutionContext, socket: string, flags: string[] = []): Promise<RunningHelper> {
  const helper = await startHelper(flags, { socket, wrapper: withOnly(Object.values(NEEDED)) });
  t.teardown(async () => {
    await helper.stop();
    rmSync(`/sys/fs/bpf/${path.basename(path.dirname(socket))}`, { recursive: true, force: true });
  });
  return helper;
}

const marked =
  (mark: string) =>
  ({ exe, argv }: ExecEvent): boolean =>
    exe === noOp && argv?.[1] === mark;

function clientOf(t: ExecutionContext, socket: string): PipeClient {
  const client = new PipeClient(socket);
  t.teardown(() => client.close());
  return client;
}

fewCapabilitiesTest('five capabilities are enough: events arrive', async (t) => {
  const { socket } = await helperOf(t, newSocket());
  const client = clientOf(t, socket);
  spawnSync(noOp, ['five']);
  t.is((await client.exec(marked('five'))).exe, noOp);
  t.is(client.hello.privileges.capabilities, '0');
});

for (const [missing, message] of [
  ['BPF', /HELPER_PROBE_REFUSED.*CAP_BPF and CAP_PERFMON/],
  ['PERFMON', /HELPER_PROBE_REFUSED.*CAP_BPF and CAP_PERFMON/],
  ['SETUID', /HELPER_PRIVILEGE: setuid: EPERM.*CAP_SETUID/],
  ['SETGID', /HELPER_PRIVILEGE: setgroups: EPERM.*CAP_SETGID/],
  ['SETPCAP', /HELPER_PRIVILEGE: .*CAP_SETPCAP/],
] as const)
  fewCapabilitiesTest(`without CAP_${missing} the helper says what it lacks`, async (t) => {
    const rest = Object.entries(NEEDED).flatMap(([name, value]) => (name === missing ? [] : [value]));
    const socket = newSocket();
    t.teardown(() => rmSync(path.dirname(socket), { recursive: true, force: true }));
    const error = await t.throwsAsync(startHelper([], { socket, wrapper: withOnly(rest) }));
    t.regex(error.message, message);
  });

fewCapabilitiesTest(
  'with them, a helper goes on where one with the same pins stopped, and loses nothing',
  async (t) => {
    const socket = newSocket();
    const first = await helperOf(t, socket, ['--pin']);
    spawnSync(noOp, ['before']);
    await clientOf(t, socket).exec(marked('before'));
    await first.stop();
    spawnSync(noOp, ['between']);
    await helperOf(t, socket, ['--pin']);
    spawnSync(noOp, ['after']);
    const client = clientOf(t, socket);
    await client.exec(marked('after'));
    t.deepEqual(
      client.execs.filter(({ exe }) => exe === noOp).map(({ argv }) => argv?.[1]),
      ['before', 'between', 'after'],
    );
    requireDense(client.events);
  },
);

fewCapabilitiesTest('the audit needs others, and says which', async (t) => {
  const { socket } = await helperOf(t, newSocket());
  const audit = (capabilities: readonly string[]) => {
    const [program, ...args] = [...withOnly(capabilities), ...helperCommand(), 'audit', '--socket', socket];
    return spawnSync(program as string, args, { encoding: 'utf8' });
  };
  const blind = audit(Object.values(NEEDED));
  t.is(blind.status, 3, blind.stdout);
  t.regex(
    blind.stderr,
    /HELPER_NOT_ROOT: the audit may not look into process \d+: EACCES.*CAP_DAC_READ_SEARCH, CAP_SYS_PTRACE and CAP_SYS_ADMIN/,
  );
  for (const missing of AUDIT) {
    const { status, stderr } = audit(AUDIT.filter((name) => name !== missing));
    t.is(status, 3, missing);
    t.regex(stderr, /HELPER_NOT_ROOT: the audit may not look into process/, missing);
  }
  const seeing = audit(AUDIT);
  t.is(seeing.status, 0, seeing.stdout + seeing.stderr);
});
