import { spawnSync } from 'node:child_process';
import path from 'node:path';
import test from 'ava';
import { helpText, parseRun } from '../../helper/command-line.ts';
import { parseChildHandoff } from '../../helper/macos/child/handoff.ts';
import { chooseSource } from '../../helper/macos/choose-source.ts';
import { parseXucred } from '../../helper/macos/sockets.ts';
import { ROOT } from '../support/repository.ts';
import { rootTest } from '../support/requirements.ts';

test('auto is dtrace where it sees everything, else eslogger, else what dtrace still sees', (t) => {
  const choose = (asked: string, isDtraceFree: boolean, hasEslogger: boolean, env: string[] = []): string => {
    const { source, limits } = chooseSource({ source: asked, env }, { isDtraceFree, hasEslogger });
    return `${source} ${limits.length}`;
  };
  t.is(choose('auto', true, true), 'dtrace 0');
  t.is(choose('auto', false, true), 'eslogger 0');
  t.is(choose('auto', false, false), 'dtrace 1');
  t.is(choose('dtrace', false, true), 'dtrace 1');
  t.is(choose('eslogger', true, true), 'eslogger 0');
  t.throws(() => chooseSource({ source: 'eslogger', env: [] }, { isDtraceFree: true, hasEslogger: false }), {
    message: /macOS has it from version 13 on/,
  });
  t.is(choose('auto', true, true, ['A']), 'eslogger 0', 'only eslogger tells the environment');
  t.is(choose('eslogger', true, true, ['A']), 'eslogger 0');
  for (const [asked, hasEslogger] of [
    ['auto', false],
    ['dtrace', true],
  ] as const)
    t.throws(() => choose(asked, true, hasEslogger, ['A']), { code: 'HELPER_UNSUPPORTED', message: /--env: dtrace/ });
});

test('a peer is who struct xucred says, with the groups that it counts', (t) => {
  const xucred = (uid: number, groups: readonly number[], count = groups.length): Buffer => {
    const bytes = Buffer.alloc(76);
    bytes.writeUInt32LE(uid, 4);
    bytes.writeInt16LE(count, 8);
    groups.forEach((group, i) => bytes.writeUInt32LE(group, 12 + 4 * i));
    return bytes;
  };
  t.deepEqual(parseXucred(xucred(501, [20, 12, 61])), { uid: 501, gid: 20, groups: [20, 12, 61] });
  t.is(parseXucred(xucred(501, [], 0)).gid, 0xffff_ffff);
  t.is(parseXucred(xucred(501, [1], 30_000)).groups.length, 16);
  t.deepEqual(parseXucred(xucred(501, [1], -1)).groups, []);
});

test('macOS has flags and defaults of its own', (t) => {
  const options = parseRun([], 'darwin');
  t.like(options, {
    socket: '/var/db/platform-probes/events.sock',
    group: '_platformprobes',
    user: '_platformprobes_helper',
    source: 'auto',
  });
  t.is(parseRun(['--source', 'eslogger'], 'darwin').source, 'eslogger');
  t.throws(() => parseRun(['--source', 'ebpf'], 'darwin'), { message: /"auto", "dtrace", "eslogger", not "ebpf"/ });
  t.throws(() => parseRun(['--pin'], 'darwin'), { message: /--pin: not available on this system/ });
  t.true(helpText('darwin').includes('(auto, dtrace, eslogger)'));
});

test('the second half of run is not started by hand', (t) => {
  const good = {
    source: 'dtrace',
    sha256: 'a'.repeat(64),
    limits: [],
    env: ['A'],
    backlogBytes: 1,
    uid: 2,
    gid: 3,
    group: 4,
  };
  t.is(parseChildHandoff(JSON.stringify(good)).uid, 2);
  for (const bad of [
    undefined,
    '',
    '{}',
    JSON.stringify({ ...good, uid: -1 }),
    JSON.stringify({ ...good, source: 'ebpf' }),
    JSON.stringify({ ...good, sha256: '' }),
    JSON.stringify({ ...good, env: undefined }),
    JSON.stringify({ ...good, env: [1] }),
  ]) {
    t.throws(() => parseChildHandoff(bad), { message: /HELPER_HANDOFF/ });
  }
});

/** Becomes somebody for a moment, so in a process of its own. */
const ACCOUNTS = `
import { findGroupId, findUserId } from './helper/macos/accounts.ts';
const tried = (find) => { try { return find(); } catch (error) { return error.message.split(':')[0]; } };
console.log(JSON.stringify([findUserId('daemon'), findGroupId('daemon'), findUserId('4711'), tried(() => findUserId('root')), tried(() => findUserId('no such user')), tried(() => findGroupId('no such group')), process.geteuid(), process.getegid()]));
`;

rootTest('names become numbers, and the process is root again afterwards', (t) => {
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module-typescript', '--eval', ACCOUNTS], {
    cwd: path.resolve(ROOT),
    encoding: 'utf8',
  });
  t.is(stdout.trim(), '[1,1,4711,"HELPER_NO_ACCOUNT","HELPER_NO_ACCOUNT","HELPER_NO_ACCOUNT",0,0]', stderr);
});
