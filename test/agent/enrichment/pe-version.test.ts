import test from 'ava';
import fc from 'fast-check';

import type { ReadAt } from '../../../agent/enrichment/pe-image.ts';
import { readVersionInfo } from '../../../agent/enrichment/pe-version.ts';
import { VersionCache } from '../../../agent/enrichment/version-cache.ts';

const readerOf =
  (bytes: Buffer): ReadAt =>
  (offset, length) =>
    bytes.subarray(offset, offset + length);

/** A node of VS_VERSIONINFO. */
function node(key: string, value: Buffer, isText: boolean, children: readonly Buffer[] = []): Buffer {
  const pad = (bytes: Buffer): Buffer => Buffer.concat([bytes, Buffer.alloc((4 - (bytes.length % 4)) % 4)]);
  const head = Buffer.alloc(6);
  const body = pad(Buffer.concat([head, Buffer.from(`${key}\0`, 'utf16le')]));
  const whole = Buffer.concat([value.length > 0 ? pad(Buffer.concat([body, value])) : body, ...children.map(pad)]);
  whole.writeUInt16LE(whole.length, 0);
  whole.writeUInt16LE(isText ? value.length / 2 : value.length, 2);
  whole.writeUInt16LE(isText ? 1 : 0, 4);
  return whole;
}

const text = (key: string, value: string): Buffer => node(key, Buffer.from(`${value}\0`, 'utf16le'), true);

/** The smallest PE file with a version resource: one section, mapped at 0x1000, at offset 0x400. */
function program(strings: Readonly<Record<string, string>>, magic = 0x20b): Buffer {
  const table = node(
    '040904b0',
    Buffer.alloc(0),
    true,
    Object.entries(strings).map(([key, value]) => text(key, value)),
  );
  const version = node('VS_VERSION_INFO', Buffer.alloc(52, 7), false, [
    node('StringFileInfo', Buffer.alloc(0), true, [table]),
  ]);
  const resources = Buffer.alloc(0x200);
  const directory = (at: number, id: number, target: number): void => {
    resources.writeUInt16LE(1, at + 14);
    resources.writeUInt32LE(id, at + 16);
    resources.writeUInt32LE(target >>> 0, at + 20);
  };
  directory(0, 16, 0x8000_0020);
  directory(0x20, 1, 0x8000_0040);
  directory(0x40, 1033, 0x60);
  resources.writeUInt32LE(0x1200, 0x60);
  resources.writeUInt32LE(version.length, 0x64);
  const file = Buffer.alloc(0x400);
  file.writeUInt16LE(0x5a4d, 0);
  file.writeUInt32LE(0x80, 0x3c);
  file.writeUInt32LE(0x4550, 0x80);
  file.writeUInt16LE(1, 0x80 + 6);
  const optional = 0x80 + 24;
  const directories = optional + (magic === 0x10b ? 96 : 112);
  file.writeUInt16LE(directories + 128 - optional, 0x80 + 20);
  file.writeUInt16LE(magic, optional);
  file.writeUInt32LE(16, directories - 4);
  file.writeUInt32LE(0x1000, directories + 16);
  const section = directories + 128;
  file.writeUInt32LE(0x1000, section + 12);
  file.writeUInt32LE(0x2000, section + 16);
  file.writeUInt32LE(0x400, section + 20);
  return Buffer.concat([file, resources, version]);
}

const STRINGS = {
  CompanyName: 'Über AG',
  FileDescription: 'A tool',
  FileVersion: '1.2.3',
  OriginalFilename: 'tool.exe',
  ProductName: 'Tools',
  LegalCopyright: 'x',
};
const INFO = {
  company: 'Über AG',
  description: 'A tool',
  fileVersion: '1.2.3',
  originalFileName: 'tool.exe',
  product: 'Tools',
};

for (const magic of [0x10b, 0x20b]) {
  test(`the strings of a program with header ${magic.toString(16)} are found by their names`, (t) => {
    t.deepEqual(readVersionInfo(readerOf(program(STRINGS, magic))), INFO);
  });
}

test('a file that is cut or changed anywhere costs a bounded read and no error', (t) => {
  const whole = program(STRINGS);
  for (let length = 0; length < whole.length; length++)
    t.notThrows(() => readVersionInfo(readerOf(whole.subarray(0, length))));
  fc.assert(
    fc.property(
      fc.array(fc.record({ at: fc.nat(whole.length - 1), byte: fc.nat(255) }), { minLength: 1, maxLength: 6 }),
      (edits) => {
        const bytes = Buffer.from(whole);
        for (const { at, byte } of edits) bytes[at] = byte;
        let read = 0;
        readVersionInfo((offset, length) => {
          read += length;
          return bytes.subarray(offset, offset + length);
        });
        t.true(read < 128 * 1024);
      },
    ),
    { numRuns: 3000 },
  );
});

test('what is no program has none, and what is gone neither', (t) => {
  t.is(readVersionInfo(readerOf(Buffer.from('#!/bin/sh'))), undefined);
  const cache = new VersionCache();
  t.is(cache.of('/nowhere/at/all.exe'), undefined);
  t.is(cache.of('/dev/zero'), undefined);
  t.is(cache.of(import.meta.filename), undefined);
});
