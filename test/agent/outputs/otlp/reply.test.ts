import fc from 'fast-check';
import test from 'ava';
import { failureText, responseOf } from '../../../../agent/outputs/otlp/reply.ts';
import { failure, partialSuccess } from '../../../support/otlp/receiver.ts';
import { officialResponse } from './official.ts';

const TYPES = { protobuf: 'application/x-protobuf', json: 'application/json' } as const;
const ENCODINGS = ['protobuf', 'json'] as const;

for (const encoding of ENCODINGS) {
  test(`${encoding}: a partial success is read as the official code reads it`, (t) => {
    fc.assert(
      fc.property(fc.nat(), fc.string({ unit: 'binary', maxLength: 300 }), (rejected, text) => {
        const message = text.toWellFormed();
        const body = partialSuccess(encoding, BigInt(rejected), message);
        t.deepEqual(responseOf(body, TYPES[encoding], 'protobuf'), { rejected, message });
        const { partialSuccess: theirs } = officialResponse(encoding, body) as {
          partialSuccess: Record<string, unknown>;
        };
        t.deepEqual([Number(theirs['rejectedLogRecords']), theirs['errorMessage']], [rejected, message]);
      }),
    );
  });

  test(`${encoding}: the type may have parameters and capitals, and without one it is that of the request`, (t) => {
    const body = partialSuccess(encoding, 2n, 'no');
    for (const type of [TYPES[encoding], `${TYPES[encoding].toUpperCase()} ; charset=utf-8`, undefined])
      t.deepEqual(responseOf(body, type, encoding), { rejected: 2, message: 'no' });
    t.is(responseOf(body, 'text/plain', encoding), undefined);
  });

  test(`${encoding}: whatever comes is read, or is none, and nothing is thrown`, (t) => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array({ maxLength: 40 }),
          fc.json().map((text) => Buffer.from(text)),
        ),
        (bytes) => {
          const response = responseOf(Buffer.from(bytes), TYPES[encoding], encoding);
          t.true(response === undefined || (response.rejected >= 0 && typeof response.message === 'string'));
          t.is(typeof failureText(Buffer.from(bytes), TYPES[encoding], encoding), 'string');
        },
      ),
      { numRuns: 2000 },
    );
  });

  test(`${encoding}: no beginning of a partial success is whole success`, (t) => {
    const body = partialSuccess(encoding, 300n, 'x'.repeat(200));
    for (let length = 1; length < body.length; length++)
      t.is(responseOf(body.subarray(0, length), TYPES[encoding], encoding), undefined, String(length));
  });
}

test('what success is', (t) => {
  const none = { rejected: 0, message: '' };
  for (const [type, body] of [
    ['application/x-protobuf', ''],
    ['text/html', ''],
    [undefined, ''],
    ['application/x-protobuf', '\x0a\x00'],
    // A field of a later version.
    ['application/x-protobuf', '\x12\x03new'],
    ['application/x-protobuf', '\x0a\x07\x1a\x05later'],
    ['application/json', '{}'],
    ['application/json', ' {"partialSuccess":{}, "later":[1]}\n'],
    ['application/json', '{"partialSuccess":null}'],
    ['application/json', '{"partialSuccess":{"rejectedLogRecords":0}}'],
  ] as const)
    t.deepEqual(responseOf(Buffer.from(body, 'latin1'), type, 'protobuf'), none, body);
});

test('what no reply of OTLP is, however good its status', (t) => {
  for (const [type, body] of [
    ['text/html', '<html>Log in</html>'],
    ['text/plain', 'OK'],
    ['application/x-protobuf', 'OK'],
    ['application/x-protobuf', '<html>'],
    ['application/x-protobuf', '{}'],
    // partial_success as a number; rejected_log_records as text; less than none; a group; field 0; too long.
    ['application/x-protobuf', '\x08\x01'],
    ['application/x-protobuf', '\x0a\x03\x0a\x01x'],
    ['application/x-protobuf', '\x0a\x0b\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01'],
    ['application/x-protobuf', '\x0b\x0c'],
    ['application/x-protobuf', '\x02\x00'],
    ['application/x-protobuf', '\x0a\xff\xff\xff\xff\x0f'],
    ['application/x-protobuf', '\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff'],
    ['application/json', ''.padEnd(3)],
    ['application/json', 'null'],
    ['application/json', '[]'],
    ['application/json', '"ok"'],
    ['application/json', '{"partialSuccess":'],
    ['application/json', '{"partialSuccess":[]}'],
    ['application/json', '{"partialSuccess":{"rejectedLogRecords":-1}}'],
    ['application/json', '{"partialSuccess":{"rejectedLogRecords":"many"}}'],
    ['application/json', '{"partialSuccess":{"rejectedLogRecords":0.5}}'],
    ['application/json', '{"partialSuccess":{"errorMessage":7}}'],
  ] as const)
    t.is(responseOf(Buffer.from(body, 'latin1'), type, 'protobuf'), undefined, body);
});

test('rejected records are seen however JSON spells them', (t) => {
  for (const body of [
    '{"partialSuccess":{"rejectedLogRecords":"3"}}',
    '{"partialSuccess":{"rejectedLogRecords":3}}',
    '{"partial_success":{"rejected_log_records":"3","error_message":""}}',
  ])
    t.is(responseOf(Buffer.from(body), 'application/json', 'json')!.rejected, 3, body);
});

test('of a failure the message is shown, or the text as it is', (t) => {
  t.is(failureText(failure('bad value'), 'application/x-protobuf', 'json'), 'bad value');
  t.is(failureText(Buffer.from('{"code":3,"message":"bad value"}'), 'application/json', 'protobuf'), 'bad value');
  t.is(failureText(Buffer.from('<html>'), 'text/html', 'protobuf'), '<html>');
  t.is(failureText(Buffer.from('no JSON'), 'application/json', 'json'), 'no JSON');
  t.is(failureText(Buffer.from('{"code":3}'), 'application/json', 'json'), '{"code":3}');
});
