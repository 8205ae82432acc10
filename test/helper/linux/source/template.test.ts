import test from 'ava';
import { TEMPLATE_CACHE_ENTRIES } from '../../../../helper/limits.ts';
import { Templates, type Template } from '../../../../helper/linux/source/template.ts';
import { argsOf, execRecord, OWN_NAMESPACES, type RecordFields } from '../../../support/exec-record.ts';

const read = (templates: Templates, fields: RecordFields) => {
  const bytes = Buffer.from(new Uint8Array(execRecord(fields)).buffer);
  return templates.read(new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length >> 2), bytes, 0);
};

test('the same program of the same user in the same place is spelled out once, whoever its parent is', (t) => {
  const templates = new Templates(OWN_NAMESPACES);
  read(templates, { pid: 1 });
  const first = read(templates, { pid: 1, args: argsOf('a') });
  t.is(read(templates, { pid: 2, args: argsOf('b', 'c'), seconds: 9, startTime: 8, number: 7, cpu: 1 }), first);
  t.is(read(templates, { ppid: 9 }), first);
  t.is(read(templates, { parentStartTime: 9 }), first);
});

test('a program that was executed once takes the place of none that is known', (t) => {
  const templates = new Templates(OWN_NAMESPACES, 1);
  read(templates, { uid: 1 });
  const known = read(templates, { uid: 1 });
  read(templates, { uid: 2 });
  t.is(read(templates, { uid: 1 }), known);

  for (const uid of [3, 2, 3]) read(templates, { uid });
  t.is(read(templates, { uid: 1 }), known, 'in turns with others');

  const second = (read(templates, { uid: 2 }), read(templates, { uid: 2 }));
  t.is(read(templates, { uid: 2 }), second);
  t.not(read(templates, { uid: 1 }), known);
});

const BASE: RecordFields = { comm: 'abcdefghijklmnop', filename: '/b/x', exe: '/b/x', cwd: '/a/cd', fd: -100 };
/** One difference each, also in the last byte of a field and in the upper half of a number. */
const OTHERS: RecordFields[] = [
  { kind: 1 },
  { kind: 3 },
  { kind: 1, error: 2 },
  { kind: 1, error: 13 },
  { flags: 1 },
  { flags: 1 << 18 },
  { flags: 1 << 8 },
  { comm: 'Abcdefghijklmnop' },
  { comm: 'abcdEfghijklmnop' },
  { comm: 'abcdefghiJklmnop' },
  { comm: 'abcdefghijklmnoP' },
  { comm: 'abcdefghijklmno' },
  { comm: '' },
  { ppid: 0 },
  { ppid: 7 },
  { ppid: 7, parentStartTime: 1 },
  { ppid: 7, parentStartTime: 1 + 2 ** 32 },
  { uid: 7 },
  { gid: 7 },
  { euid: 7 },
  { egid: 7 },
  { loginuid: 7 },
  { loginuid: 0xffffffff },
  { sessionId: 7 },
  { tty: 7 },
  { ns: [1, 2, 3, 4, 5, 6, 7] },
  { ns: [...OWN_NAMESPACES.slice(0, 6), 7] },
  { exe: '/b/y' },
  { exe: undefined },
  { cwd: '/a/ce' },
  { parentExe: '/b/y' },
  { parentExe: undefined },
  { cgroup: '/x' },
  { filename: '/b/y' },
  { filename: '' },
  { filename: Buffer.from([0x2f, 0xff]) },
  { fd: 5 },
  { kind: 1, error: 13, fd: 5, fdPath: '/etc' },
  // The same bytes in another order of lengths are other paths.
  { exe: '/a/b', cwd: '/c' },
  { exe: '/b', cwd: '/c/a' },
];

test('whatever was spelled before, a template is the one of a reader without memory', (t) => {
  // With room for one, every record finds the one before it, which is read twice to be kept.
  const templates = new Templates(OWN_NAMESPACES, 1);
  const textsOf = ({ command, type, who, comm, end, asked, raw, stringBytes }: Template) => ({
    texts: [command, type, who, comm, end, asked],
    raw,
    stringBytes,
  });
  const seen = new Set<string>();
  const compare = (fields: RecordFields): void => {
    const expected = textsOf(read(new Templates(OWN_NAMESPACES, 1), { ...BASE, ...fields }));
    for (let times = 0; times < 2; times++) t.deepEqual(textsOf(read(templates, { ...BASE, ...fields })), expected);
    seen.add(JSON.stringify(expected));
  };
  for (const one of OTHERS) {
    for (const other of OTHERS) {
      compare(one);
      compare(other);
    }
    compare({});
  }
  t.is(seen.size, OTHERS.length + 1, 'each of them differs');
});

test('what is kept does not change with the memory it was read from', (t) => {
  const templates = new Templates(OWN_NAMESPACES);
  const record = execRecord({ cwd: Buffer.from([0x2f, 0xff]) });
  const bytes = Buffer.from(new Uint8Array(record).buffer);
  const first = templates.read(new Uint32Array(bytes.buffer, 0, bytes.length >> 2), bytes, 0);
  bytes.fill(0x41);
  t.deepEqual(first.raw, { cwd: Buffer.from([0x2f, 0xff]).toString('base64') });
});

test('what is remembered is bounded, in number and in size', (t) => {
  const templates = new Templates(OWN_NAMESPACES);
  const users = TEMPLATE_CACHE_ENTRIES + 1;
  const first = Array.from({ length: users }, (_, uid) => (read(templates, { uid }), read(templates, { uid })));
  const kept = first.filter((template, uid) => read(templates, { uid }) === template).length;
  t.true(kept > TEMPLATE_CACHE_ENTRIES / 4 && kept <= TEMPLATE_CACHE_ENTRIES, `${kept}`);

  const isKept = (fields: RecordFields): boolean => {
    read(templates, fields);
    return read(templates, fields) === read(templates, fields);
  };
  t.true(isKept({ cwd: `/${'x'.repeat(200)}`.repeat(4) }));
  t.false(isKept({ cwd: `/${'x'.repeat(200)}`.repeat(6) }), 'long paths');
  t.false(isKept({ filename: 'x'.repeat(1200) }), 'a long filename');
  t.false(isKept({ cwd: `/${'\u0001'.repeat(200)}`.repeat(4) }), 'paths that are long as JSON');
  t.false(isKept({ cwd: Buffer.from([0x2f, 0xff]) }), 'bytes that are not UTF-8');
});
