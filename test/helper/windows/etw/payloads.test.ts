import test from 'ava';
import fc from 'fast-check';

import { readClassicStart } from '../../../../helper/windows/etw/classic-process.ts';
import { readProcessStart } from '../../../../helper/windows/etw/kernel-process.ts';
import { PayloadError } from '../../../../helper/windows/etw/payload.ts';
import { CLASSIC, classicStart, processStart, START } from '../../../support/etw-payloads.ts';

for (const version of [0, 1, 2, 3, 4, 5, 250]) {
  test(`ProcessStart of version ${version} is read; a later version like the last one that is known`, (t) => {
    const { sequence, parentSequence, ...common } = START;
    const tokens = version >= 3 ? { sequence, parentSequence, elevated: true, label: 'S-1-16-8192' } : {};
    t.deepEqual(readProcessStart(processStart(version), version), { ...common, ...tokens });
    const later = Buffer.concat([processStart(version), Buffer.from('fields of tomorrow')]);
    t.deepEqual(readProcessStart(later, version), { ...common, ...tokens });
  });
}

for (const version of [2, 3, 4, 5]) {
  test(`the classic start of version ${version} is read, with and without a user`, (t) => {
    t.deepEqual(readClassicStart(classicStart(version), version), { ...CLASSIC, userSid: 'S-1-5-21-1-2-3-1001' });
    t.deepEqual(readClassicStart(classicStart(version, CLASSIC, false), version), CLASSIC);
  });
}

test('the classic start of Windows XP is refused, not misread', (t) => {
  for (const version of [0, 1])
    t.throws(() => readClassicStart(classicStart(2), version), { instanceOf: PayloadError });
});

test('a payload that is cut anywhere before its last needed byte is refused', (t) => {
  for (let version = 0; version <= 4; version++) {
    const whole = processStart(version);
    const imageEnd = whole.indexOf(Buffer.from(`${START.image}\0`, 'utf16le')) + 2 * (START.image.length + 1);
    for (let length = 0; length < imageEnd; length++)
      t.throws(
        () => readProcessStart(whole.subarray(0, length), version),
        { instanceOf: PayloadError },
        `${version}: ${length}`,
      );
    t.notThrows(() => readProcessStart(whole.subarray(0, imageEnd), version));
  }
});

test('a lone surrogate and an odd offset do not end or shift a string', (t) => {
  const image = `\\Device\\a\ud83d\u0100\u0001b.exe`;
  t.is(readProcessStart(processStart(0, { ...START, image }), 0).image, image);
  t.is(
    readClassicStart(classicStart(4, { ...CLASSIC, leaf: 'ab', commandLine: '\u0100\ud800\u0100' }), 4).commandLine,
    '\u0100\ud800\u0100',
  );
});

test('no bytes whatever do anything but give a start or be refused', (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(255), (bytes, version) => {
      for (const read of [readProcessStart, readClassicStart]) {
        try {
          read(Buffer.from(bytes), version);
        } catch (error) {
          t.true(error instanceof PayloadError);
        }
      }
    }),
    { numRuns: 5000 },
  );
});
