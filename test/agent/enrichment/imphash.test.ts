import { createHash } from 'node:crypto';
import test from 'ava';
import fc from 'fast-check';
import { imphash } from '../../../agent/enrichment/imphash.ts';
import { MAX_IMPHASH_BYTES, MAX_IMPORTED_DLLS, MAX_IMPORTED_FUNCTIONS } from '../../../agent/enrichment/limits.ts';
import { ordinalName } from '../../../agent/enrichment/ordinal-names.ts';
import type { ReadAt } from '../../../agent/enrichment/pe-image.ts';
import { IMPORT_HASH, importingProgram } from '../support/importing-programs.ts';

const hashOf = (bytes: Buffer): string | undefined => imphash((at, length) => bytes.subarray(at, at + length));
const md5 = (text: string): string => createHash('md5').update(text).digest('hex');

const PE = 0x80;
const OPTIONAL = PE + 24;

/** Where the program's parts are in the file; mingw puts the imports into a section of their own. */
function partsOf(bytes: Buffer) {
  const directory = OPTIONAL + (bytes.readUInt16LE(OPTIONAL) === 0x20b ? 112 : 96) + 8;
  const address = bytes.readUInt32LE(directory);
  const first = OPTIONAL + bytes.readUInt16LE(PE + 20);
  const section = [0, 1, 2].map((i) => first + 40 * i).find((at) => bytes.readUInt32LE(at + 12) === address)!;
  return { directory, section, address, descriptors: bytes.readUInt32LE(section + 20) };
}

/** A changed copy. */
function changed(bits: 32 | 64, change: (bytes: Buffer, parts: ReturnType<typeof partsOf>) => void): Buffer {
  const bytes = importingProgram(bits);
  change(bytes, partsOf(bytes));
  return bytes;
}

test('the hash is of the functions in the order of the tables, with the names that numbers have', (t) => {
  const functions = [
    ['kernel32.named_one', 'kernel32.named_two', 'oleaut32.sysallocstring', 'private.ord7'],
    ['ws2_32.accept', 'ws2_32.wsastartup', 'ws2_32.ord600', 'control.control_', 'printer.drv.driver_'],
    ['two.dots.dotted_', 'wsock32.closesocket'],
  ];
  t.is(md5(functions.flat().join()), IMPORT_HASH);
});

for (const bits of [32, 64] as const) {
  test(`a program of ${bits} bits has the import hash that pefile finds`, (t) => {
    t.is(hashOf(importingProgram(bits)), IMPORT_HASH);
  });

  test(`of ${bits} bits: without a table of names, that of addresses counts`, (t) => {
    const noNames = changed(bits, (bytes, { descriptors }) => {
      for (let i = 0; i < 8; i++) bytes.writeUInt32LE(0, descriptors + 20 * i);
    });
    t.is(hashOf(noNames), IMPORT_HASH);
    const emptyNames = changed(bits, (bytes, { descriptors, address }) => {
      const table = bytes.readUInt32LE(descriptors) - address + descriptors;
      bytes.fill(0, table, table + bits / 8);
    });
    t.is(hashOf(emptyNames), IMPORT_HASH);
  });

  test(`of ${bits} bits: a section starts where the loader reads it`, (t) => {
    const odd = changed(bits, (bytes, { section, descriptors }) => bytes.writeUInt32LE(descriptors + 9, section + 20));
    t.is(hashOf(odd), IMPORT_HASH);
  });

  test(`of ${bits} bits: the list of DLLs ends where the loader ends it`, (t) => {
    for (const field of [12, 16]) {
      const ended = changed(bits, (bytes, { descriptors }) => bytes.writeUInt32LE(0, descriptors + 20 + field));
      t.is(hashOf(ended), md5('kernel32.named_one,kernel32.named_two'));
    }
  });

  test(`of ${bits} bits: without imports there is no hash`, (t) => {
    t.is(hashOf(changed(bits, (bytes, { directory }) => bytes.writeUInt32LE(0, directory))), undefined);
    t.is(hashOf(changed(bits, (bytes, { descriptors }) => bytes.fill(0, descriptors, descriptors + 20))), undefined);
  });

  test(`of ${bits} bits: a file that is cut or changed anywhere costs a bounded read and no error`, (t) => {
    const whole = importingProgram(bits);
    const isFine = (bytes: Buffer): boolean => {
      let read = 0;
      const found = imphash((at, length) => {
        read += length;
        return bytes.subarray(at, at + length);
      });
      return read <= MAX_IMPHASH_BYTES && (found === undefined || /^[0-9a-f]{32}$/.test(found));
    };
    for (let length = 0; length < whole.length; length++) t.true(isFine(whole.subarray(0, length)));
    const { descriptors } = partsOf(whole);
    const at = fc.oneof(fc.integer({ min: PE, max: 0x200 }), fc.integer({ min: descriptors, max: whole.length - 4 }));
    const value = fc.oneof(fc.nat(0xffff_ffff), fc.nat(0x3000), fc.constantFrom(0, 0x7fff_ffff, 0xffff_ffff));
    fc.assert(
      fc.property(fc.array(fc.record({ at, value }), { minLength: 1, maxLength: 6 }), (edits) => {
        const bytes = Buffer.from(whole);
        for (const edit of edits) bytes.writeUInt32LE(edit.value, edit.at);
        return isFine(bytes);
      }),
      { numRuns: 3000 },
    );
  });
}

test('a section is zero beyond its part of the file: tables can end there', (t) => {
  const { directory, section, address, descriptors } = partsOf(importingProgram(64));
  const withoutEnd = (padding: number): Buffer => {
    const bytes = importingProgram(64);
    const size = bytes.length - descriptors;
    bytes.writeUInt32LE(address + size, directory);
    bytes.writeUInt32LE(size + 160 + padding, section + 8);
    bytes.writeUInt32LE(size + 160, section + 16);
    return Buffer.concat([bytes, bytes.subarray(descriptors, descriptors + 160)]);
  };
  t.is(hashOf(withoutEnd(20)), IMPORT_HASH);
  t.is(hashOf(withoutEnd(19)), undefined, 'the table goes beyond the section');
});

test('names that no linker writes: a function does not count, a DLL has no name', (t) => {
  const renamed = (from: string, to: string): string | undefined =>
    hashOf(changed(64, (bytes) => bytes.write(to, bytes.indexOf(from), 'latin1')));
  const rest =
    'kernel32.named_two,oleaut32.sysallocstring,private.ord7,ws2_32.accept,ws2_32.wsastartup,ws2_32.ord600,control.control_,printer.drv.driver_,two.dots.dotted_,wsock32.closesocket';
  t.is(renamed('named_One', 'named One'), md5(rest));
  t.is(renamed('KERNEL32', 'KERN*L32'), md5(`*invalid*.named_one,${rest.replace('kernel32', '*invalid*')}`));
});

test('no program has no hash', (t) => {
  for (const text of ['', 'MZ', '#!/bin/sh\n', `MZ${'\0'.repeat(200)}`]) t.is(hashOf(Buffer.from(text)), undefined);
});

/**
 * A program whose import section is 1 GiB, from this content on.
 * @returns its hash, and the bytes that were read
 */
function hugeProgram(content: (address: number, bytes: Buffer) => void): { hash: string | undefined; read: number } {
  const head = changed(64, (bytes, { section }) => {
    for (const size of [8, 16]) bytes.writeUInt32LE(0x4000_0000, section + size);
  });
  const { address, descriptors } = partsOf(head);
  let read = 0;
  const readAt: ReadAt = (at, length) => {
    read += length;
    const bytes = Buffer.alloc(length);
    for (let i = 0; i < length; i += 4)
      if (at + i >= descriptors) content(at + i - descriptors + address, bytes.subarray(i, i + 4));
    if (at < descriptors) head.copy(bytes, 0, at, Math.min(descriptors, at + length));
    return bytes;
  };
  return { hash: imphash(readAt), read };
}

/** The given descriptors, then tables from 1 MiB on. Everything else is text. */
function layout(dlls: number, entry: (index: number) => readonly [low: number, high: number]) {
  const { address } = partsOf(importingProgram(64));
  return (at: number, bytes: Buffer): void => {
    const word = (at - address) / 4;
    if (at >= address + 0x10_0000 && at < address + 0x20_0000) {
      const [low, high] = entry((word - 0x4_0000) >>> 1);
      bytes.writeUInt32LE(word % 2 === 0 ? low : high);
    } else if (word < dlls * 5) {
      const fields = [address + 0x10_0000, 0, 0, address + 0x20_0000, address + 0x10_0000];
      bytes.writeUInt32LE(fields[word % 5]!);
    } else if (at >= address + 0x20_0000) bytes.write('x\0!\0', 'latin1');
  };
}
const ORDINAL = 0x8000_0000;

test('as many functions and DLLs as the bounds allow have a hash, and more have none', (t) => {
  const functions = (count: number) => layout(1, (i) => (i < count ? [1, ORDINAL] : [0, 0]));
  const list = (count: number): string => md5(Array.from({ length: count }, () => 'x.ord1').join());
  t.is(hugeProgram(functions(MAX_IMPORTED_FUNCTIONS)).hash, list(MAX_IMPORTED_FUNCTIONS));
  t.is(hugeProgram(functions(MAX_IMPORTED_FUNCTIONS + 1)).hash, undefined);
  const dlls = (count: number) => layout(count, (i) => (i < 1 ? [1, ORDINAL] : [0, 0]));
  t.is(hugeProgram(dlls(MAX_IMPORTED_DLLS)).hash, list(MAX_IMPORTED_DLLS));
  t.is(hugeProgram(dlls(MAX_IMPORTED_DLLS + 1)).hash, undefined);
});

test('entries without a name are left out of the hash, and count towards the bound of all DLLs together', (t) => {
  const half = MAX_IMPORTED_FUNCTIONS / 2;
  for (const nothing of [
    [0, ORDINAL],
    [partsOf(importingProgram(64)).address + 0x20_0000, 0],
  ] as const) {
    const twice = (count: number) =>
      hugeProgram(layout(2, (i) => (i < count - 1 ? nothing : i < count ? [7, ORDINAL] : [0, 0]))).hash;
    t.is(twice(half), md5('x.ord7,x.ord7'));
    t.is(twice(half + 1), undefined);
  }
  t.is(hugeProgram(layout(MAX_IMPORTED_DLLS, () => [0, ORDINAL])).hash, undefined);
});

test('names that lie far apart are read up to the bound', (t) => {
  const scattered = layout(1, (i) => (i < 10_000 ? [0x100_0000 + 0x8000 * i, 0] : [0, 0]));
  const { hash, read } = hugeProgram(scattered);
  t.is(hash, undefined);
  t.true(read > MAX_IMPHASH_BYTES / 2 && read <= MAX_IMPHASH_BYTES, `${read}`);
});

// Made from `ordlookup.ords` of pefile 2023.2.7: a line with number and name in lower case for each.
for (const [dll, count, digest] of [
  ['oleaut32.dll', 398, '65c6fd292cc185f1aca69aa476cdd82cdfac181275bc112733644960aef3bfb4'],
  ['ws2_32.dll', 117, '332d80876f826d1f9129c7e8337ce74f1a22d3da6c47ae0ed43ef859e2a8a421'],
  ['wsock32.dll', 117, '332d80876f826d1f9129c7e8337ce74f1a22d3da6c47ae0ed43ef859e2a8a421'],
] as const) {
  test(`the names of the numbers of ${dll} are those of pefile`, (t) => {
    const named = Array.from({ length: 0x1_0000 }, (_, i) => [i, ordinalName(dll, i)] as const).filter(
      ([i, name]) => name !== `ord${i}`,
    );
    t.is(named.length, count);
    const lines = named.map(([i, name]) => `${i} ${name}\n`).join('');
    t.is(createHash('sha256').update(lines).digest('hex'), digest);
  });
}
