import test from 'ava';
import { SurroundingsReader } from '../../../../helper/linux/source/surroundings.ts';
import { execRecord, OWN_NAMESPACES, type RecordFields } from '../../../support/exec-record.ts';

const read = (reader: SurroundingsReader, fields: RecordFields) => {
  const bytes = Buffer.from(new Uint8Array(execRecord(fields)).buffer);
  return reader.read(new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length >> 2), bytes, 0);
};

test('the same parent in the same place is spelled out once', (t) => {
  const reader = new SurroundingsReader(OWN_NAMESPACES);
  const first = read(reader, { pid: 1, filename: '/bin/a', comm: 'a' });
  t.is(read(reader, { pid: 2, filename: '/bin/b', comm: 'b', seconds: 9 }), first);
});

test('whatever differs of who and where is spelled anew', (t) => {
  const reader = new SurroundingsReader(OWN_NAMESPACES);
  const first = read(reader, {});
  const others: RecordFields[] = [
    { ppid: 7 },
    { uid: 7 },
    { gid: 7 },
    { euid: 7 },
    { egid: 7 },
    { loginuid: 7 },
    { sessionId: 7 },
    { tty: 7 },
    { parentStartTime: 7 },
    { ns: [1, 2, 3, 4, 5, 6, 7] },
    { exe: '/x' },
    { exe: undefined },
    { cwd: '/x' },
    { parentExe: '/x' },
    { parentExe: undefined },
    { cgroup: '/x' },
    // The same bytes in another order of lengths are other paths.
    { exe: '/b', cwd: '/a/c' },
  ];
  const seen = new Set([first]);
  for (const fields of others) seen.add(read(reader, fields));
  t.is(seen.size, others.length + 1);
});

test('what is kept does not change with the memory it was read from, nor with a path that was cut', (t) => {
  const reader = new SurroundingsReader(OWN_NAMESPACES);
  const bytes = Buffer.from(new Uint8Array(execRecord({ cwd: Buffer.from([0x2f, 0xff]) })).buffer);
  const first = reader.read(new Uint32Array(bytes.buffer, 0, bytes.length >> 2), bytes, 0);
  bytes.fill(0x41);
  t.deepEqual(first.raw, { cwd: Buffer.from([0x2f, 0xff]).toString('base64') });
  t.is(read(reader, { cwd: '/deep' }).cwd, ',"cwd":"/deep"');
  t.is(read(reader, { cwd: '/deep', flags: 1 << 18 }).cwd, ',"cwd":"deep"');
  t.is(read(reader, { cwd: '/deep' }).cwd, ',"cwd":"/deep"');
});

test('what is remembered is bounded', (t) => {
  const reader = new SurroundingsReader(OWN_NAMESPACES);
  const first = read(reader, { ppid: 1 });
  for (let ppid = 2; ppid < 600; ppid++) read(reader, { ppid });
  t.not(read(reader, { ppid: 1 }), first, 'forgotten');
  const long = `/${'x'.repeat(200)}`.repeat(6);
  t.not(read(reader, { cwd: long }), read(reader, { cwd: long }), 'long paths are not kept');
});
