import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import test from 'ava';
import { parseConfig } from '../../../agent/config/load.ts';
import type { Config } from '../../../agent/config/schema.ts';
import { checkDisk } from '../../../agent/doctor/disk.ts';
import { checkHeartbeat, checkHello } from '../../../agent/doctor/helper-state.ts';
import { checkProgram, checkSocket, programsOf } from '../../../agent/doctor/helper-socket.ts';
import { checkKernel, checkLibbpf } from '../../../agent/doctor/kernel.ts';
import { checkOutputs } from '../../../agent/doctor/outputs.ts';
import { lets, personOf, personOfProcess, type Person } from '../../../agent/doctor/people.ts';
import { HEARTBEAT_EXAMPLE } from '../../../shared/events/heartbeat.ts';
import { HELLO_EXAMPLE } from '../../../shared/events/hello.ts';
import { VERSION } from '../../../shared/version.ts';
import { FakeHelper } from '../../support/fake-helper.ts';
import { Workplace } from '../support/agent-process.ts';

const configOf = (text: string): Config => {
  const loaded = parseConfig(text, 'agent.yaml');
  if (!loaded.ok) throw new Error(loaded.problems.map(({ message }) => message).join('\n'));
  return loaded.config;
};

const person = (uid: number, groups: readonly number[] = [uid]): Person => ({ name: `u${uid}`, uid, groups });

for (const [name, view, verdict, says] of [
  ['a good kernel', {}, 'ok', /Linux 6\.1\.0, with BTF/],
  ['an old kernel', { release: '5.4.0-generic' }, 'problem', /no BPF ring buffer/],
  ['the first good one', { release: '5.8.0' }, 'ok', /5\.8/],
  ['one without BTF', { exists: () => false }, 'problem', /btf\/vmlinux is missing/],
  ['one that is locked down', { read: () => 'none integrity [confidentiality]' }, 'problem', /locked down/],
  ['one that is half locked down', { read: () => 'none [integrity] confidentiality' }, 'ok', /BTF/],
  ['another system', { platform: 'darwin' }, 'skipped', /for Linux/],
] as const)
  test(`kernel: ${name}`, (t) => {
    const [finding] = checkKernel({
      platform: 'linux',
      release: '6.1.0',
      read: () => undefined,
      exists: () => true,
      ...(view as object),
    });
    t.is(finding!.verdict, verdict);
    t.regex(finding!.says, says);
  });

test('libbpf: what a running helper has loaded is there; otherwise it is loaded, or said how to install it', (t) => {
  const fails = (): never => {
    throw new Error('cannot open shared object file');
  };
  t.is(checkLibbpf(true, fails).verdict, 'ok');
  t.is(checkLibbpf(false, () => undefined).verdict, 'ok');
  t.is(checkLibbpf(false, fails).verdict, 'problem');
  t.regex(checkLibbpf(false, fails).advice!, /apt-get install libbpf1/);
});

test('helper: installed or not, running or not, changeable by others or not', (t) => {
  using work = new Workplace();
  t.is(checkProgram(false, [work.path('no')]).verdict, 'problem');
  t.false(programsOf('linux').some((file) => file.startsWith('/Library/')));
  t.false(programsOf('darwin').some((file) => file.includes('/libexec/')));
  t.is(checkProgram(true, [work.path('no')]).verdict, 'ok');
  t.is(checkProgram(true, ['/usr/bin/env']).verdict, 'ok');
  t.like(checkProgram(false, ['/usr/bin/env']), { verdict: 'warning' });
  writeFileSync(work.path('program'), '');
  chmodSync(work.path('program'), 0o777);
  t.regex(checkProgram(false, [work.path('program')]).says, /it will not start: /);
});

test('socket: not there, not a socket, mode, and who may connect', async (t) => {
  await using helper = await new FakeHelper().listen();
  const uid = process.getuid!();
  const view = { path: helper.socketPath, ownerUid: uid, agent: person(uid), agentRuns: true, caller: undefined };
  t.deepEqual(
    checkSocket(view).map(({ verdict }) => verdict),
    ['ok', 'ok'],
  );
  const [, stranger] = checkSocket({ ...view, agent: person(65_000) });
  t.is(stranger!.verdict, 'problem');
  t.regex(stranger!.advice!, /^usermod -aG \S+ u65000, then restart the agent: it has the groups of its start$/);
  const [, none, you] = checkSocket({ ...view, agent: undefined, caller: person(65_000) });
  t.is(none!.verdict, 'skipped');
  t.is(you!.verdict, 'ok', 'need not');
  chmodSync(helper.socketPath, 0o666);
  t.is(checkSocket(view)[0]!.verdict, 'problem');
  t.regex(checkSocket({ ...view, path: `${helper.socketPath}.not` })[0]!.says, /there is no socket/);
  writeFileSync(`${helper.folder}/file`, '');
  t.regex(checkSocket({ ...view, path: `${helper.folder}/file` })[0]!.says, /is not a socket/);
  t.regex(checkSocket({ ...view, ownerUid: 65_001 })[0]!.says, /HELPER_SOCKET_UNSAFE/);
});

test('people: permissions as the kernel sees them; a process has the groups of its start', (t) => {
  const file = { uid: 10, gid: 20, mode: 0o640 };
  t.true(lets(file, person(10), 6));
  t.false(lets(file, person(11, [20]), 2));
  t.true(lets(file, person(11, [20]), 4));
  t.false(lets(file, person(12), 4));
  t.false(lets({ ...file, mode: 0o066 }, person(10, [20]), 4), 'the owner is the owner, and nothing else');
  t.true(lets(file, person(0), 7));
  t.like(personOf('root'), { uid: 0, name: 'root' });
  t.is(personOf('no-such-user-here'), undefined);
  t.is(personOf('-x'), undefined);
  const own = personOfProcess(process.pid)!;
  t.is(own.uid, process.geteuid!());
  t.deepEqual(new Set(own.groups), new Set([process.getegid!(), ...process.getgroups!()]));
  t.is(personOfProcess(2 ** 30), undefined);
});

test('hello: another version, and privileges that are still there', (t) => {
  const hello = { ...HELLO_EXAMPLE, helper: VERSION };
  t.deepEqual(
    checkHello(hello).map(({ verdict }) => verdict),
    ['ok', 'ok'],
  );
  t.is(checkHello({ ...hello, helper: '9.9.9' })[0]!.verdict, 'warning');
  const privileges = { uid: 0, capabilities: '200', no_new_privs: false, seccomp: 0 };
  t.regex(
    checkHello({ ...hello, privileges })[1]!.says,
    /uid 0, capabilities 200, it may gain new ones, no system call filter/,
  );
  t.is(checkHello({ ...hello, limits: ['sees nothing of X'] })[2]!.verdict, 'warning');
});

test('heartbeat: none is a problem; times away from the wall clock are said', (t) => {
  t.is(checkHeartbeat(undefined, 10_000)[0]!.verdict, 'problem');
  t.deepEqual(
    checkHeartbeat(HEARTBEAT_EXAMPLE, 1).map(({ verdict }) => verdict),
    ['ok', 'ok'],
  );
  const stepped = { ...HEARTBEAT_EXAMPLE, wall_clock: '2023-03-15T13:30:05.000000000Z' };
  t.regex(checkHeartbeat(stepped, 1)[1]!.says, /10 min 0 s away/);
});

test('disk: folders, permissions, strangers’ files, links, and what would not fit', (t) => {
  using work = new Workplace();
  const uid = process.getuid!();
  const at = (more: string, agent = person(uid)) =>
    checkDisk(configOf(`outputs: [{ name: local, type: file, path: ${work.path('log')}/events${more} }]`), agent)[0]!;
  t.regex(at('').says, /log does not exist/);
  mkdirSync(work.path('log'), 0o755);
  t.is(at('').verdict, 'ok', at('').says);
  t.regex(at('', person(65_000)).says, /u65000, may not write in/);
  t.is(at(', max_bytes: 1TiB, max_files: 1000').verdict, 'warning');
  writeFileSync(`${work.path('log')}/events`, 'x'.repeat(2048));
  writeFileSync(`${work.path('log')}/events.1`, 'x'.repeat(2048));
  writeFileSync(`${work.path('log')}/events.old`, 'x'.repeat(2048));
  t.regex(at('').says, /^output local: 4\.0 KiB of at most 320 MiB, /);
  chmodSync(work.path('log'), 0o777);
  t.regex(at('', person(65_000)).says, /belongs to another user than u65000/);
  symlinkSync('/dev/null', `${work.path('log')}/link`);
  const [link] = checkDisk(configOf(`outputs: [{ name: a, type: file, path: ${work.path('log')}/link }]`), person(uid));
  t.regex(link!.says, /is a symbolic link/);
  const both = `spool: { folder: ${work.path('spool')} }
outputs: [{ name: web, type: http, url: "http://127.0.0.1:9/", dead_letter: { path: ${work.path('none')}/dead } }]`;
  t.deepEqual(
    checkDisk(configOf(both), person(uid)).map(({ verdict, says }) => [verdict, says.split(':')[0]]),
    [
      ['problem', 'dead letters of web'],
      ['ok', 'spool'],
    ],
  );
  t.is(checkDisk(configOf('outputs: [{ name: a, type: stdout }]'), undefined)[0]!.verdict, 'ok');
});

test('outputs: a secret that systemd keeps for the service is not tried; one that is refused is a problem', async (t) => {
  const config = (file: string): Config =>
    configOf(
      `outputs: [{ name: web, type: http, url: "http://127.0.0.1:9/", auth: { token_file: "${file}" } }, { name: s, type: stdout }]`,
    );
  const [skipped, none] = await checkOutputs(config('$CREDENTIALS_DIRECTORY/token'), {});
  t.is(skipped!.verdict, 'skipped');
  t.is(none, undefined, 'nobody to ask');
  const [problem] = await checkOutputs(config('/no/such/token'), {});
  t.like(problem, { check: 'output web', verdict: 'problem' });
});
