import test from 'ava';
import * as fc from 'fast-check';
import type { ExecFailedEvent } from '../../../../shared/events/exec.ts';
import { eventOf, execLines, lineOf } from '../../../support/exec-lines.ts';
import { argsOf, OWN_NAMESPACES, type Bytes, type RecordFields } from '../../../support/exec-record.ts';

const INVALID = Buffer.from([0x61, 0xff, 0x62]);
const INVALID_TEXT = 'a\uFFFDb';
const INVALID_BASE64 = INVALID.toString('base64');

test('an exec record becomes this line', (t) => {
  t.is(
    lineOf({ seconds: 7302, nanoseconds: 123_456_789 }, { seq: 7302118 }),
    '{"pid":12345,"command":"/usr/bin/npm install","timestamp":1678886400,"type":"exec","seq":7302118,' +
      '"time":"2023-03-15T13:20:00.123456789Z","ppid":12001,"uid":1000,"gid":1001,"euid":1002,"egid":1003,' +
      '"loginuid":1004,"session_id":12001,"tty":34816,"exe":"/usr/bin/npm","filename":"/usr/bin/npm",' +
      '"argv":["npm","install"],"argv_bytes":12,"cwd":"/home/ada","comm":"npm","start_time":7301999120,' +
      '"cgroup":"/user.slice","parent":{"pid":12001,"start_time":7203340118,"exe":"/usr/bin/bash"},"source":"ebpf"}\n',
  );
});

test('the three founding fields come first, in their order', (t) => {
  t.deepEqual(Object.keys(eventOf()).slice(0, 3), ['pid', 'command', 'timestamp']);
});

test('empty arguments are kept, wherever they stand', (t) => {
  const cases = [['npm', ''], [''], ['', ''], ['', 'a', '', 'b', ''], ['npm', '', '', '']];
  for (const argv of cases) t.deepEqual(eventOf({ args: argsOf(...argv) }).argv, argv);
  t.is(eventOf({ args: argsOf('npm', '', 'x') }).command, '/usr/bin/npm  x');
});

test('a process without any argument, not even argv[0], has an empty argv', (t) => {
  const event = eventOf({ args: Buffer.alloc(0) });
  t.deepEqual(event.argv, []);
  t.is(event.argv_bytes, 0);
  t.is(event.command, '/usr/bin/npm');
  t.false('argv_truncated' in event);
});

test('newlines, quotes and control characters end up in their strings and nowhere else', (t) => {
  const nasty = 'a\n"\\\r\t\u0001\u001f\u007f\u2028{}';
  const line = lineOf({
    args: argsOf(nasty, nasty),
    filename: nasty,
    exe: `/${nasty}`,
    cwd: `/${nasty}`,
    parentExe: `/${nasty}`,
    cgroup: `/${nasty}`,
    comm: 'x\n"\u0001',
  });
  t.is(line.indexOf('\n'), line.length - 1);
  const event = JSON.parse(line) as ReturnType<typeof eventOf>;
  t.deepEqual(event.argv, [nasty, nasty]);
  t.is(event.filename, nasty);
  t.is(event.command, `${nasty} ${nasty}`);
  t.deepEqual([event.exe, event.cwd, event.parent?.exe, event.cgroup], Array(4).fill(`/${nasty}`));
  t.is(event.comm, 'x\n"\u0001');
  t.false('raw' in event);
});

test('bytes that are not UTF-8 are kept under the path of their field', (t) => {
  const path = Buffer.concat([Buffer.from('/'), INVALID]);
  const event = eventOf({
    args: argsOf('ok', INVALID, 'é', INVALID),
    filename: INVALID,
    exe: path,
    cwd: path,
    parentExe: path,
    cgroup: path,
    comm: INVALID,
  });
  t.deepEqual(event.raw, {
    'argv[1]': INVALID_BASE64,
    'argv[3]': INVALID_BASE64,
    'filename': INVALID_BASE64,
    'exe': path.toString('base64'),
    'cwd': path.toString('base64'),
    'parent.exe': path.toString('base64'),
    'cgroup': path.toString('base64'),
    'comm': INVALID_BASE64,
  });
  t.deepEqual(event.argv, ['ok', INVALID_TEXT, 'é', INVALID_TEXT]);
  t.is(event.filename, INVALID_TEXT);
  t.is(event.cwd, `/${INVALID_TEXT}`);
  t.is(event.comm, INVALID_TEXT);
});

test('what else is valid in a line does not hide what is not', (t) => {
  t.deepEqual(eventOf({ cwd: Buffer.from([0x2f, 0xc3]) }).raw, { cwd: 'L8M=' });
  // A character that is cut at the end of one string and goes on in the next is two invalid strings.
  t.deepEqual(eventOf({ args: argsOf(Buffer.from([0xc3]), Buffer.from([0xa9])) }).raw, {
    'argv[0]': 'ww==',
    'argv[1]': 'qQ==',
  });
  // Lone surrogates in the encoding of UTF-8, overlong forms, beyond the last character.
  for (const bytes of [
    [0xed, 0xa0, 0x80],
    [0xc0, 0xaf],
    [0xf4, 0x90, 0x80, 0x80],
  ]) {
    t.deepEqual(eventOf({ args: argsOf('x', Buffer.from(bytes)) }).raw, {
      'argv[1]': Buffer.from(bytes).toString('base64'),
    });
  }
});

test('a comm of all its bytes has no NUL and ends there', (t) => {
  t.is(eventOf({ comm: '0123456789abcdef' }).comm, '0123456789abcdef');
  t.is(eventOf({ comm: '' }).comm, '');
});

test('nobody logged in, no session, no terminal: the fields are left out', (t) => {
  const event = eventOf({ loginuid: 0xffffffff, sessionId: 0, tty: 0 });
  for (const field of ['loginuid', 'session_id', 'tty']) t.false(field in event, field);
  t.is(eventOf({ loginuid: 0 }).loginuid, 0);
});

test('ids up to the largest are not negative', (t) => {
  const event = eventOf({
    uid: 0xfffffffe,
    euid: 0xffffffff,
    pid: 4194304,
    ns: [0xffffffff, ...OWN_NAMESPACES.slice(1)],
  });
  t.is(event.uid, 0xfffffffe);
  t.is(event.euid, 0xffffffff);
  t.deepEqual(event.ns, { cgroup: 0xffffffff });
});

test('start times beyond 32 bits are exact', (t) => {
  const startTime = 2 ** 32 * 1000 + 7;
  const event = eventOf({ startTime, parentStartTime: 2 ** 45 + 1 });
  t.is(event.start_time, startTime);
  t.is(event.parent?.start_time, 2 ** 45 + 1);
});

test('a process without a parent has no parent field, one whose parent has no image no parent.exe', (t) => {
  t.false('parent' in eventOf({ ppid: 0 }));
  t.deepEqual(eventOf({ parentExe: undefined }).parent, { pid: 12001, start_time: 7203340118 });
});

test('a process without an image has no exe', (t) => {
  t.false('exe' in eventOf({ exe: undefined }));
});

test('the root folder is a slash', (t) => {
  t.is(eventOf({ cwd: '/' }).cwd, '/');
  t.is(eventOf({ cgroup: '/' }).cgroup, '/');
});

test('only namespaces that differ from ours are said', (t) => {
  t.false('ns' in eventOf());
  t.deepEqual(eventOf({ ns: [1, 4026531839, 3, 4026531840, 5, 4026531837, 7] }).ns, {
    cgroup: 1,
    mnt: 3,
    pid: 5,
    uts: 7,
  });
  t.deepEqual(eventOf({ ns: [1, 2, 3, 4, 5, 6, 7] }).ns, {
    cgroup: 1,
    ipc: 2,
    mnt: 3,
    net: 4,
    pid: 5,
    user: 6,
    uts: 7,
  });
});

test('each flag has its name, and no flag no field', (t) => {
  const names = {
    0: 'script',
    1: 'memfd',
    2: 'deleted',
    3: 'setuid',
    4: 'setgid',
    5: 'secureexec',
    6: 'compat32',
    7: 'chroot',
    8: 'foreign_mount',
    17: 'exe_truncated',
    18: 'cwd_truncated',
    19: 'parent_exe_truncated',
    20: 'cgroup_truncated',
    21: 'filename_truncated',
    22: 'fd_path_truncated',
  };
  t.false('flags' in eventOf());
  t.false('flags' in eventOf({ flags: 1 << 16 }), 'cut arguments have a field of their own');
  const lines = execLines();
  for (const [bit, name] of Object.entries(names))
    t.deepEqual(eventOf({ flags: 1 << Number(bit) }, {}, lines).flags, [name]);
  t.deepEqual(eventOf({ flags: 0xffffffff }, {}, lines).flags, Object.values(names));
  t.deepEqual(eventOf({ flags: 3 }, {}, lines).flags, ['script', 'memfd']);
});

test('a path whose root end is missing begins with a component, whatever was seen before', (t) => {
  const lines = execLines();
  t.is(eventOf({ cwd: '/a/b' }, {}, lines).cwd, '/a/b');
  t.is(eventOf({ cwd: '/a/b', flags: 1 << 18 }, {}, lines).cwd, 'a/b');
  t.is(eventOf({ cwd: '/a/b' }, {}, lines).cwd, '/a/b');
  t.is(eventOf({ exe: '/a/b', flags: 1 << 17 }, {}, lines).exe, 'a/b');
  t.is(eventOf({ parentExe: '/a/b', flags: 1 << 19 }, {}, lines).parent?.exe, 'a/b');
  t.is(eventOf({ cgroup: '/a/b', flags: 1 << 20 }, {}, lines).cgroup, 'a/b');
});

test('arguments that the kernel cut are marked, and none of them is invented', (t) => {
  const marked = eventOf({ flags: 1 << 16, args: Buffer.alloc(0), argvBytes: 100 });
  t.deepEqual([marked.argv, marked.argv_truncated, marked.argv_bytes], [[], true, 100]);
  const cut = eventOf({ args: argsOf('npm', 'ru'), argvBytes: 2000 }, { args: Buffer.from('npm\0ru'), cut: true });
  t.deepEqual([cut.argv, cut.argv_truncated, cut.argv_bytes], [['npm', 'ru'], true, 2000]);
});

test('a failed exec by descriptor is named as the kernel names one that succeeds, with what the descriptor led to', (t) => {
  const lines = execLines();
  const told = (fields: RecordFields): unknown[] => {
    const event = eventOf({ kind: 1, error: 13, args: argsOf('x', 'arg'), ...fields }, {}, lines) as ExecFailedEvent;
    return [event.filename, event.command, event.fd_path, event.raw?.['filename'], event.raw?.['fd_path']];
  };
  const bytes = Buffer.from([0x2f, 0xff]);
  const base64 = (...parts: (string | Buffer)[]): string =>
    Buffer.concat(parts.map((part) => Buffer.from(part))).toString('base64');
  for (const [fields, expected] of [
    [
      { filename: '', fd: 5, fdPath: '/etc/passwd' },
      ['/dev/fd/5', '/dev/fd/5 arg', '/etc/passwd', undefined, undefined],
    ],
    [{ filename: 'x', fd: 5, fdPath: '/opt' }, ['/dev/fd/5/x', '/dev/fd/5/x arg', '/opt', undefined, undefined]],
    [{ filename: 'x', fd: 5 }, ['/dev/fd/5/x', '/dev/fd/5/x arg', '/', undefined, undefined]],
    [{ filename: 'x', fd: -1, error: 9 }, ['/dev/fd/-1/x', '/dev/fd/-1/x arg', undefined, undefined, undefined]],
    [{ filename: 'x' }, ['x', 'x arg', undefined, undefined, undefined]],
    [{ filename: '' }, ['', ' arg', undefined, undefined, undefined]],
    [
      { filename: bytes.subarray(1), fd: 5, fdPath: bytes },
      ['/dev/fd/5/\ufffd', '/dev/fd/5/\ufffd arg', '/\ufffd', base64('/dev/fd/5/', bytes.subarray(1)), base64(bytes)],
    ],
  ] as const)
    t.deepEqual(told(fields), [...expected]);
  t.is(
    (eventOf({ kind: 1, error: 13, filename: '', fd: 5, fdPath: '/a/b', flags: 1 << 22 }) as ExecFailedEvent).fd_path,
    'a/b',
  );
});

test('an exec that failed says so, with the name of its error', (t) => {
  const names = {
    2: 'ENOENT',
    13: 'EACCES',
    8: 'ENOEXEC',
    26: 'ETXTBSY',
    7: 'E2BIG',
    40: 'ELOOP',
    36: 'ENAMETOOLONG',
    12: 'ENOMEM',
    4095: 'E4095',
  };
  for (const [error, name] of Object.entries(names))
    t.like(eventOf({ kind: 1, error: Number(error) }), { type: 'exec_failed', error: name });
  t.false('error' in eventOf({ error: 2 }));
});

test('a snapshot says so, does not invent the path that was asked for, and takes the image for it', (t) => {
  const args = argsOf('sshd: ada', 'x');
  const event = eventOf({ kind: 3, filename: '', args: Buffer.alloc(0), exe: '/usr/sbin/sshd' }, { args });
  t.like(event, {
    type: 'exec',
    source: 'snapshot',
    exe: '/usr/sbin/sshd',
    command: '/usr/sbin/sshd x',
    argv: ['sshd: ada', 'x'],
    argv_bytes: args.length,
  });
  t.false('filename' in event);
});

test('the arguments of a binary are those behind argv[0], even where one is its own path', (t) => {
  t.is(eventOf({ filename: '/bin/ls', args: argsOf('ls', '/bin/ls', 'a') }).command, '/bin/ls /bin/ls a');
  t.is(eventOf({ filename: '/bin/ls', args: argsOf('ls', '', '') }).command, '/bin/ls  ');
  t.is(eventOf({ filename: '/bin/ls', args: argsOf('ls') }).command, '/bin/ls');
  t.is(eventOf({ filename: '/bin/ls', args: Buffer.alloc(0) }).command, '/bin/ls');
});

test("a script's command is its path and its own arguments", (t) => {
  const event = eventOf({
    flags: 1,
    filename: './build',
    exe: '/usr/bin/env',
    args: argsOf('/usr/bin/env', 'node', './build', '--fast'),
  });
  t.is(event.command, './build --fast');
  t.is(event.exe, '/usr/bin/env');
});

test('a line that has no room loses the end of its arguments, says so, and stays within the room', (t) => {
  for (const filler of ['x', '\u0001', '€', '\\']) {
    const args = argsOf('npm', ...Array.from({ length: 50 }, (_, i) => `${i}${filler.repeat(100)}`));
    const whole = lineOf({ args });
    for (const room of [Buffer.byteLength(whole) - 1, 8000, 4000, 2000]) {
      const line = lineOf({ args }, { room });
      t.true(Buffer.byteLength(line) <= room, `${Buffer.byteLength(line)} in ${room}`);
      const event = JSON.parse(line) as ReturnType<typeof eventOf>;
      t.true(event.argv_truncated);
      t.is(event.argv_bytes, args.length);
      t.is(event.argv?.[0], 'npm');
      t.is(line.indexOf('\n'), line.length - 1);
    }
    t.is(lineOf({ args }, { room: Buffer.byteLength(whole) }), whole, 'what just fits is not cut');
  }
});

const anyBytes = (maxLength: number) =>
  fc.uint8Array({ maxLength }).map((bytes) => Buffer.from(bytes.map((byte) => (byte === 0 ? 10 : byte))));
const anyText = fc.oneof(
  anyBytes(20),
  fc.string({ unit: 'binary', maxLength: 8 }).map((text) => Buffer.from(text.replaceAll('\0', '"'))),
);
const anyPath = fc
  .array(fc.oneof(anyText, fc.constant(Buffer.from('bin'))), { maxLength: 4 })
  .map((names) =>
    Buffer.concat(
      names.flatMap((name) => [
        Buffer.from('/'),
        Buffer.from([...name].map((byte) => (byte === 0x2f ? 0x2e : byte)).concat(0x78)),
      ]),
    ),
  );

test('whatever bytes the strings hold, one line comes of it and every byte can be restored', (t) => {
  const lines = execLines();
  const fields = fc.record({
    argv: fc.array(anyText, { maxLength: 6 }),
    filename: anyText,
    exe: anyPath,
    cwd: anyPath,
    parentExe: anyPath,
    cgroup: anyPath,
    comm: anyBytes(15),
    flags: fc.constantFrom(0, 1, 0xff),
    kind: fc.constantFrom(0, 1),
  });
  fc.assert(
    fc.property(fields, ({ argv, ...strings }) => {
      const given = { ...strings, args: argsOf(...argv) };
      const line = lineOf(given, {}, lines);
      t.is(line.indexOf('\n'), line.length - 1);
      const event = eventOf(given, {}, lines);
      const restored = (path: string, text: string | undefined): Buffer => {
        const raw = event.raw?.[path];
        return raw === undefined ? Buffer.from(text as string) : Buffer.from(raw, 'base64');
      };
      const expectSame = (path: string, text: string | undefined, bytes: Bytes): void => {
        t.true(restored(path, text).equals(Buffer.from(bytes)), path);
      };
      t.is(event.argv?.length, argv.length);
      for (const [i, argument] of argv.entries()) expectSame(`argv[${i}]`, event.argv?.[i], argument);
      expectSame('filename', event.filename, given.filename);
      expectSame('comm', event.comm, given.comm);
      expectSame('cwd', event.cwd, given.cwd.length === 0 ? '/' : given.cwd);
      expectSame('cgroup', event.cgroup, given.cgroup.length === 0 ? '/' : given.cgroup);
      if (given.exe.length > 0) expectSame('exe', event.exe, given.exe);
      if (given.parentExe.length > 0) expectSame('parent.exe', event.parent?.exe, given.parentExe);
      for (const path of Object.keys(event.raw ?? {})) {
        t.false(
          restored(path, '').equals(Buffer.from(restored(path, '').toString())),
          `${path} is in raw and was text`,
        );
      }
    }),
    { numRuns: 500 },
  );
});

test('paths that were seen before come out the same, past the size of the memory for them', (t) => {
  const lines = execLines();
  for (let i = 0; i < 5000; i++) {
    const n = i % 1700;
    const event = eventOf(
      { exe: `/bin/${n}`, cwd: '/', cgroup: `/c/${n % 90}`, parentExe: `/bin/${n % 3}` },
      {},
      lines,
    );
    if (event.exe !== `/bin/${n}` || event.cgroup !== `/c/${n % 90}` || event.parent?.exe !== `/bin/${n % 3}`)
      t.fail(JSON.stringify(event));
  }
  t.pass();
});
