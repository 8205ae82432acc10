import { readFileSync } from 'node:fs';

/** A struct as the compiler laid it out. */
export interface BtfStruct {
  readonly bytes: number;
  /** Where each member stands, in bytes. */
  readonly offsets: Readonly<Record<string, number>>;
  /** Elements of each member that is an array. */
  readonly lengths: Readonly<Record<string, number>>;
}

const KIND_ARRAY = 3;
const KIND_STRUCT = 4;

/** Bytes behind the 12 that every type has: fixed, and for each of its members. Documentation/bpf/btf.rst. */
const TRAILERS: Readonly<Record<number, readonly [fixed: number, each: number]>> = {
  1: [4, 0], // int
  [KIND_ARRAY]: [12, 0],
  [KIND_STRUCT]: [0, 12],
  5: [0, 12], // union
  6: [0, 8], // enum
  13: [0, 8], // function prototype
  14: [4, 0], // variable
  15: [0, 12], // section
  17: [4, 0], // declaration tag
  19: [0, 12], // enum of 64 bits
};

/** The named structs of a compiled BPF object, from its own type information. */
export function readBtfStructs(objectFile: string): Map<string, BtfStruct> {
  const btf = elfSection(readFileSync(objectFile), '.BTF');
  if (btf.readUInt16LE(0) !== 0xeb9f) throw new Error(`${objectFile}: not BTF`);
  const part = (at: number): Buffer =>
    btf.subarray(btf.readUInt32LE(4) + btf.readUInt32LE(at)).subarray(0, btf.readUInt32LE(at + 4));
  const types = part(8);
  const strings = part(16);
  const arrayLengths = new Map<number, number>();
  const structs: { name: string; bytes: number; members: { name: string; type: number; offset: number }[] }[] = [];
  for (let at = 0, id = 1; at < types.length; id++) {
    const info = types.readUInt32LE(at + 4);
    const kind = (info >>> 24) & 0x1f;
    const count = info & 0xffff;
    if (kind === KIND_ARRAY) arrayLengths.set(id, types.readUInt32LE(at + 20));
    if (kind === KIND_STRUCT) {
      const members = Array.from({ length: count }, (_, i) => {
        const member = types.subarray(at + 12 + 12 * i);
        return {
          name: text(strings, member.readUInt32LE(0)),
          type: member.readUInt32LE(4),
          offset: (member.readUInt32LE(8) & 0xffffff) / 8,
        };
      });
      structs.push({ name: text(strings, types.readUInt32LE(at)), bytes: types.readUInt32LE(at + 8), members });
    }
    const [fixed, each] = TRAILERS[kind] ?? [0, 0];
    at += 12 + fixed + each * count;
  }
  return new Map(
    structs.map(({ name, bytes, members }) => [
      name,
      {
        bytes,
        offsets: Object.fromEntries(members.map((member) => [member.name, member.offset])),
        lengths: Object.fromEntries(
          members
            .flatMap((member) => [[member.name, arrayLengths.get(member.type)]])
            .filter(([, length]) => length !== undefined),
        ),
      },
    ]),
  );
}

function elfSection(elf: Buffer, name: string): Buffer {
  const table = Number(elf.readBigUInt64LE(40));
  const sections = Array.from({ length: elf.readUInt16LE(60) }, (_, i) => {
    const entry = elf.subarray(table + i * elf.readUInt16LE(58));
    const offset = Number(entry.readBigUInt64LE(24));
    return { name: entry.readUInt32LE(0), body: elf.subarray(offset, offset + Number(entry.readBigUInt64LE(32))) };
  });
  const names = sections[elf.readUInt16LE(62)];
  const found = sections.find((section) => names !== undefined && text(names.body, section.name) === name);
  if (found === undefined) throw new Error(`no section ${name}`);
  return found.body;
}

function text(bytes: Buffer, at: number): string {
  return bytes.toString('latin1', at, bytes.indexOf(0, at));
}
