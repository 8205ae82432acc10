import { readFileSync } from 'node:fs';
import test from 'ava';
import * as record from '../../../../helper/linux/source/record.ts';
import { COUNTERS, COUNTERS_BYTES, KINDS } from '../../../../helper/linux/layout.ts';
import { readBtfStructs } from '../../../support/btf.ts';

const OBJECT = new URL('../../../../bpf/exec.bpf.o', import.meta.url).pathname;
const HEADER = readFileSync(new URL('../../../../bpf/exec.h', import.meta.url), 'utf8');
const structs = readBtfStructs(OBJECT);

/** The constants of an enum in bpf/exec.h. The compiler leaves enums that no variable has out of the type information. */
function enumOf(name: string): Record<string, number> {
  const body = new RegExp(`enum ${name} \\{([^}]*)\\}`).exec(HEADER.replaceAll(/\/\*[^]*?\*\//g, ''))?.[1] ?? '';
  const constants: Record<string, number> = {};
  let next = 0;
  for (const item of body
    .split(',')
    .map((text) => text.trim())
    .filter(Boolean)) {
    const [constant = '', value] = item.split(/\s*=\s*/);
    const shift = /^1 << (\d+)$/.exec(value ?? '');
    constants[constant] = shift === null ? Number(value ?? next) : 1 << Number(shift[1]);
    next = (constants[constant] as number) + 1;
  }
  return constants;
}

/** The layout of a struct of plain numbers in bpf/exec.h; for one that the compiler kept on the stack and wrote no type of. */
function structOf(name: string): { offsets: Record<string, number>; bytes: number } {
  const body = new RegExp(`struct ${name} \\{([^}]*)\\}`).exec(HEADER)?.[1] ?? '';
  const offsets: Record<string, number> = {};
  let bytes = 0;
  for (const [, bits, member = ''] of body.matchAll(/^\t[us](16|32|64) (\w+);/gm)) {
    const size = Number(bits) / 8;
    bytes = Math.ceil(bytes / size) * size;
    offsets[member] = bytes;
    bytes += size;
  }
  return { offsets, bytes };
}

test('struct exec_record lies in the object as the helper reads it', (t) => {
  t.deepEqual(structs.get('exec_record')?.offsets, { ...record.EVENT, unused: record.EVENT_BYTES - 4 });
  t.is(structs.get('exec_record')?.bytes, record.EVENT_BYTES);
  t.deepEqual(structs.get('exec_record')?.lengths, { ns: record.NAMESPACES.length, comm: record.COMM_BYTES });
});

test('struct more_record lies in the object as the helper reads it', (t) => {
  t.deepEqual(structs.get('more_record')?.offsets, { ...record.MORE });
  t.is(structs.get('more_record')?.bytes, record.MORE_BYTES);
});

test('struct exit_record lies in the object as the helper reads it, behind what all records begin with', (t) => {
  const { type, kind, cpu, number } = record.EVENT;
  t.deepEqual(structOf('exit_record'), {
    offsets: { type, kind, cpu, number, ...record.EXIT },
    bytes: record.EXIT_BYTES,
  });
  // The layout by the header's own text is the compiler's where both are known.
  const { offsets, bytes } = structs.get('more_record') ?? {};
  t.deepEqual(structOf('more_record') as unknown, { offsets, bytes });
});

test('struct counters lies in the object as the helper reads it', (t) => {
  const { unused: _, ...used } = structs.get('counters')?.offsets ?? {};
  t.deepEqual(used, { ...COUNTERS });
  t.is(structs.get('counters')?.bytes, COUNTERS_BYTES);
});

test('both records begin with the same fields, so that a reader can tell them apart', (t) => {
  for (const field of ['type', 'kind', 'cpu', 'number'] as const) t.is(record.MORE[field], record.EVENT[field]);
});

test('the kinds and types of records are the ones of the header', (t) => {
  const { KIND, RECORD_TYPE } = record;
  t.deepEqual(enumOf('kind'), {
    KIND_EXEC: KIND.exec,
    KIND_FAILED: KIND.failed,
    KIND_EXIT: KIND.exit,
    KIND_SNAPSHOT: KIND.snapshot,
    KIND_FORK: KIND.fork,
    KINDS,
  });
  t.deepEqual(enumOf('record_type'), {
    RECORD_EVENT: RECORD_TYPE.event,
    RECORD_ARGS: RECORD_TYPE.args,
    RECORD_ENV: RECORD_TYPE.env,
  });
});

test('the namespaces are in the order of the header', (t) => {
  const { NS_COUNT: _, ...indexes } = enumOf('ns_index');
  t.deepEqual(indexes, Object.fromEntries(record.NAMESPACES.map((name, i) => [`NS_${name.toUpperCase()}`, i])));
});

test('every flag of the header is known, by its bit', (t) => {
  const flags = enumOf('exec_flags');
  t.is(flags['FLAG_SCRIPT'], record.FLAG_SCRIPT);
  t.is(flags['FLAG_ARGV_CUT'], record.FLAG_ARGV_CUT);
  t.is(flags['FLAG_EXE_CUT'], record.FLAG_EXE_CUT);
  t.is(flags['FLAG_CWD_CUT'], record.FLAG_CWD_CUT);
  t.is(flags['FLAG_PARENT_EXE_CUT'], record.FLAG_PARENT_EXE_CUT);
  t.is(flags['FLAG_CGROUP_CUT'], record.FLAG_CGROUP_CUT);
  const named = Object.fromEntries(
    [...record.FLAG_NAMES].map(([bit, name]) => [`FLAG_${name.toUpperCase().replace('TRUNCATED', 'CUT')}`, 1 << bit]),
  );
  t.deepEqual({ ...named, FLAG_ARGV_CUT: record.FLAG_ARGV_CUT, FLAG_ENV_CUT: record.FLAG_ENV_CUT }, flags);
});
