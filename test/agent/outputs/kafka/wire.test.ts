import fc from 'fast-check';
import test from 'ava';
import { Scram, ScramError } from '../../../../agent/outputs/kafka/scram.ts';
import { crc32c } from '../../../../agent/outputs/kafka/wire/crc32c.ts';
import { Decoder, MalformedReplyError } from '../../../../agent/outputs/kafka/wire/decoder.ts';
import { Encoder } from '../../../../agent/outputs/kafka/wire/encoder.ts';
import {
  readApiVersions,
  readMetadata,
  readProduced,
  readSaslAuthenticate,
  readSaslHandshake,
} from '../../../../agent/outputs/kafka/wire/messages.ts';
import { murmur2, partitionOf } from '../../../../agent/outputs/kafka/wire/murmur2.ts';
import { Reader } from '../../../support/kafka/wire.ts';

test('CRC-32C gives the values of RFC 3720, appendix B.4, and those that a plain loop gives', (t) => {
  for (const [bytes, sum] of [
    [Buffer.alloc(32), 0x8a9136aa],
    [Buffer.alloc(32, 0xff), 0x62a8ab43],
    [Buffer.from(Array.from({ length: 32 }, (_, i) => i)), 0x46dd794e],
    [Buffer.from(Array.from({ length: 32 }, (_, i) => 31 - i)), 0x113fdb5c],
    [Buffer.from('123456789'), 0xe3069283],
    [Buffer.alloc(0), 0],
  ] as const)
    t.is(crc32c(bytes), sum);
  const slow = (bytes: Uint8Array): number => {
    let sum = 0xffffffff;
    for (const byte of bytes) {
      sum ^= byte;
      for (let bit = 0; bit < 8; bit++) sum = sum & 1 ? (sum >>> 1) ^ 0x82f63b78 : sum >>> 1;
    }
    return (sum ^ 0xffffffff) >>> 0;
  };
  fc.assert(fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => crc32c(bytes) === slow(bytes)));
  t.pass();
});

test("murmur2 gives the values of the tests of Kafka's own client", (t) => {
  for (const [key, hash] of [
    ['21', -973_932_308],
    ['foobar', -790_332_482],
    ['a-little-bit-long-string', -985_981_536],
    ['a-little-bit-longer-string', -1_486_304_829],
    ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58_897_971],
    ['abc', 479_470_107],
  ] as const)
    t.is(murmur2(Buffer.from(key)) | 0, hash, key);
  t.is(partitionOf(Buffer.from('21'), 7), (-973_932_308 & 0x7fffffff) % 7);
});

test('a varint is read as it was written, over the whole range', (t) => {
  fc.assert(
    fc.property(fc.integer(), (value) => {
      t.is(new Reader(new Encoder(1).varint(value).finish()).varint(), value);
    }),
  );
});

test('SCRAM-SHA-256 says what the example of RFC 7677, section 3, says', async (t) => {
  const scram = new Scram('scram-sha-256', 'user', 'pencil', 'rOprNGfwEbeRWgbNEkqO');
  t.is(scram.first.toString(), 'n,,n=user,r=rOprNGfwEbeRWgbNEkqO');
  const final = await scram.final(
    Buffer.from('r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096'),
  );
  t.is(
    final.toString(),
    'c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=',
  );
  t.notThrows(() => scram.verify(Buffer.from('v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=')));
  for (const wrong of ['v=7rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=', 'v=', 'e=invalid-proof', ''])
    t.throws(() => scram.verify(Buffer.from(wrong)), { instanceOf: ScramError });
});

test('a first message of SCRAM that is not as it must be is refused, and costs no time', async (t) => {
  const begun = performance.now();
  for (const text of [
    '',
    'garbage',
    'r=mine,s=c2FsdA==,i=4096',
    'r=other,s=c2FsdA==,i=4096',
    'r=mine2,s=,i=4096',
    'r=mine2,s=c2FsdA==,i=1',
    'r=mine2,s=c2FsdA==,i=4095',
    'r=mine2,s=c2FsdA==,i=1000001',
    'r=mine2,s=c2FsdA==,i=999999999',
    'r=mine2,s=c2FsdA==,i=4096x',
    `r=mine${'2'.repeat(5000)},s=c2FsdA==,i=4096`,
  ])
    await t.throwsAsync(new Scram('scram-sha-512', 'u', 'p', 'mine').final(Buffer.from(text)), {
      instanceOf: ScramError,
    });
  t.true(performance.now() - begun < 2000);
});

test('a user of SCRAM may have any characters', (t) => {
  t.is(new Scram('scram-sha-256', 'a=b,c', 'p', 'x').first.toString(), 'n,,n=a=3Db=2Cc,r=x');
});

test('a reply of any bytes is read or refused, and never makes more than it could hold', (t) => {
  const readers = [
    (reply: Decoder) => readApiVersions(reply),
    (reply: Decoder) => readSaslHandshake(reply),
    ...[0, 1].map((version) => (reply: Decoder) => readSaslAuthenticate(reply, version)),
    ...[1, 2, 3, 5, 7].map((version) => (reply: Decoder) => readMetadata(reply, version)),
    ...[3, 5, 7].map((version) => (reply: Decoder) => readProduced(reply, version)),
  ];
  // Small numbers in front, so that lists and texts often have a length that could be.
  const bytes = fc.array(fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 5 }), fc.integer({ min: 0, max: 255 })), {
    maxLength: 200,
  });
  fc.assert(
    fc.property(bytes, fc.constantFrom(...readers), (reply, read) => {
      try {
        read(new Decoder(Buffer.from(reply)));
      } catch (error) {
        t.true(error instanceof MalformedReplyError, String(error));
      }
    }),
    { numRuns: 3000 },
  );
  for (const count of [-1, -2, 0x7fffffff, 0x00ffffff])
    t.throws(() => new Decoder(new Encoder().int32(count).int32(0).finish()).array(() => 0), {
      instanceOf: MalformedReplyError,
    });
});
