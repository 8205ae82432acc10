import test from 'ava';
import { hostId } from '../../../../agent/formats/host-id.ts';
import { misfit } from '../../../support/event-schema.ts';
import { API, KafkaBroker } from '../../../support/kafka/broker.ts';
import { exec, gap, toItem } from '../../support/items.ts';
import { batchFor, outputFor, sent } from './support.ts';

const ITEMS = [exec(1), gap(2, 4), exec(5)];
const many = (count: number, from = 1) => Array.from({ length: count }, (_, i) => exec(from + i));

for (const compression of ['none', 'gzip', 'zstd'] as const) {
  test(`a batch with compression ${compression} arrives whole, one record an event, all in the host's partition`, async (t) => {
    await using broker = await new KafkaBroker().listen();
    await using output = await outputFor(broker.address, { compression });
    const begun = Date.now();
    t.is(await sent(output, ITEMS), 'taken');
    t.deepEqual(broker.seqs, [1, '2-4', 5]);
    for (const { key, value, headers, timestamp } of broker.stored) {
      t.is(key, hostId());
      t.deepEqual(headers, [['boot_id', 'boot']]);
      t.true(timestamp >= begun && timestamp <= Date.now());
      t.notRegex(value, /\n/u);
      const event = JSON.parse(value) as object;
      t.like(event, { boot_id: 'boot', stream: 'soc', schema_version: 1 });
      t.is(misfit(event), undefined);
    }
    t.is(new Set(broker.stored.map(({ partition }) => partition)).size, 1);
    t.like(broker.produced[0], { acks: -1, topic: 'events', codec: { none: 0, gzip: 1, zstd: 4 }[compression] });
  });
}

test('a record has the number of its seal as a header, where its line has one', async (t) => {
  await using broker = await new KafkaBroker().listen();
  await using output = await outputFor(broker.address);
  const items = [
    toItem({ type: 'later', seq: 1, command: 'echo ,"seal":8,', argv: [',"seal":9}'] }),
    toItem({ type: 'later', seq: 2, command: 'echo ,"seal":8,', argv: [',"seal":9}'] }),
    toItem({ type: 'later', seq: 3 }),
    toItem({ type: 'later', seq: 4, seal: 18 }),
  ];
  const seals = [17, undefined, Number.MAX_SAFE_INTEGER, undefined];
  t.deepEqual(await output.send(batchFor(output, items, 'boot', seals)), { kind: 'taken' });
  t.deepEqual(
    broker.stored.map(({ headers }) => Object.fromEntries(headers)['seal']),
    ['17', undefined, '9007199254740991', undefined],
  );
});

test('batches share one connection, one is on its way at a time, and none is taken for a repetition', async (t) => {
  await using broker = await new KafkaBroker().listen();
  broker.delayMs = 5;
  await using output = await outputFor(broker.address);
  for (let i = 1; i <= 20; i++) t.is(await sent(output, [exec(i)]), 'taken');
  t.deepEqual(
    broker.seqs,
    Array.from({ length: 20 }, (_, i) => i + 1),
  );
  t.is(new Set(broker.stored.map(({ offset }) => offset)).size, 20);
  // A broker compares only what has a producer's number: then 20 acknowledged sends can be one stored record.
  t.true(broker.produced.every(({ producerId, baseSequence }) => producerId === -1n && baseSequence === -1));
  t.is(broker.mostAtOnce, 1);
  t.is(broker.connections, 1);
});

test('after each kind of failure the same batch goes again, whole, and the next one behind it', async (t) => {
  await using broker = await new KafkaBroker().listen();
  await using output = await outputFor(broker.address, { timeout: '1s' });
  const answers = [6, 7, 19, 'cut', 'nothing', Buffer.from('garbage')] as const;
  let place = 0;
  broker.answer = ({ api }) => (api === API.produce ? answers[place++] : undefined);
  const batch = batchFor(output, many(3));
  let attempts = 0;
  while ((await output.send(batch)).kind !== 'taken') attempts++;
  t.is(await sent(output, many(2, 4)), 'taken');
  t.deepEqual(broker.seqs, [1, 2, 3, 4, 5]);
  // Of a connection that was used and is cut, the batch is sent once more at once.
  t.true(attempts >= 5, String(attempts));
});

for (const metadataMax of [1, 2, 3, 4, 5, 6, 7, 12]) {
  test(`a broker that speaks Metadata up to version ${metadataMax}`, async (t) => {
    await using broker = await new KafkaBroker({ metadataMax }).listen();
    await using output = await outputFor(broker.address);
    t.is(await sent(output, ITEMS), 'taken');
    t.is(broker.requests.find(({ api }) => api === API.metadata)!.version, Math.min(metadataMax, 7));
    const { body } = broker.requests.find(({ api }) => api === API.metadata)!;
    t.is(body.length - 'events'.length, metadataMax >= 4 ? 7 : 6, 'asks for no new topic where it can');
  });
}

for (const produceMax of [3, 4, 5, 6, 7, 13]) {
  test(`a broker that speaks Produce up to version ${produceMax}`, async (t) => {
    await using broker = await new KafkaBroker({ produceMax }).listen();
    await using output = await outputFor(broker.address);
    t.is(await sent(output, ITEMS), 'taken');
    t.is(broker.requests.at(-1)!.version, Math.min(produceMax, 7));
  });
}

test('a broker that is too old, too new, or too old for zstd is named with its versions', async (t) => {
  for (const [options, more, reason] of [
    [
      { produceMax: 2 },
      {},
      /^127\.0\.0\.1:\d+: UNSUPPORTED_VERSION \(35\): .*; it speaks Produce 0 to 2, not 3 to 7$/u,
    ],
    [{ produceMin: 9, produceMax: 13 }, {}, /it speaks Produce 9 to 13, not 3 to 7$/u],
    [{ produceMax: 6 }, { compression: 'zstd' }, /it speaks Produce 0 to 6, not 7 to 7$/u],
    [{ metadataMax: 0 }, {}, /it speaks Metadata 0 to 0, not 1 to 7$/u],
  ] as const) {
    await using broker = await new KafkaBroker(options).listen();
    await using output = await outputFor(broker.address, more);
    t.regex(await sent(output, ITEMS), reason);
  }
});

const RETRIED: ReadonlyArray<readonly [number, RegExp]> = [
  [-1, /^UNKNOWN_SERVER_ERROR \(-1\): see the broker's log$/u],
  [2, /^CORRUPT_MESSAGE \(2\)$/u],
  [3, /^UNKNOWN_TOPIC_OR_PARTITION \(3\): make the topic/u],
  [5, /^LEADER_NOT_AVAILABLE/u],
  [6, /^NOT_LEADER_OR_FOLLOWER/u],
  [7, /^REQUEST_TIMED_OUT/u],
  [19, /^NOT_ENOUGH_REPLICAS \(19\): .*min\.insync\.replicas/u],
  [20, /^NOT_ENOUGH_REPLICAS_AFTER_APPEND/u],
  [29, /^TOPIC_AUTHORIZATION_FAILED \(29\): the user needs/u],
  [32, /^INVALID_TIMESTAMP \(32\): compare this host's clock/u],
  [56, /^KAFKA_STORAGE_ERROR/u],
  [76, /^UNSUPPORTED_COMPRESSION_TYPE/u],
  [12_345, /^an error that is not known here \(12345\)$/u],
];

for (const [code, reason] of RETRIED) {
  test(`error ${code}: the batch is to be sent again, and nothing of it is lost`, async (t) => {
    await using broker = await new KafkaBroker().listen();
    await using output = await outputFor(broker.address);
    broker.errors.push(code);
    const outcome = await output.send(batchFor(output, ITEMS));
    t.like(outcome, { kind: 'retry', taken: 0 });
    t.regex((outcome as { reason: string }).reason, reason);
    t.is(await sent(output, ITEMS), 'taken');
    t.deepEqual(broker.seqs, [1, '2-4', 5]);
    t.is(broker.connections, 1, 'an answer ends no connection');
  });
}

test('a topic that does not exist, or that the user may not see, is named; nothing is produced', async (t) => {
  await using broker = await new KafkaBroker({ topic: 'other' }).listen();
  await using output = await outputFor(broker.address);
  t.regex(
    await sent(output, ITEMS),
    /^127\.0\.0\.1:\d+: UNKNOWN_TOPIC_OR_PARTITION \(3\): make the topic, or correct topic/u,
  );
  await using closed = await new KafkaBroker().listen();
  closed.topicError = 29;
  await using second = await outputFor(closed.address);
  t.regex(
    await sent(second, ITEMS),
    /TOPIC_AUTHORIZATION_FAILED \(29\): the user needs the operations Describe and Write/u,
  );
  t.is(broker.produced.length + closed.produced.length, 0);
  closed.topicError = 0;
  t.is(await sent(second, ITEMS), 'taken');
});

test('when another broker leads, the agent goes there, and comes back', async (t) => {
  await using one = await new KafkaBroker().listen();
  await using two = await new KafkaBroker().listen();
  await using output = await outputFor(one.address);
  one.leader = { host: '127.0.0.1', port: two.port };
  t.is(await sent(output, [exec(1)]), 'taken');
  two.leader = { host: '127.0.0.1', port: one.port };
  one.leader = undefined;
  two.errors.push(6);
  t.regex(await sent(output, [exec(2)]), /NOT_LEADER/u);
  t.is(await sent(output, [exec(2)]), 'taken');
  t.deepEqual([one.seqs, two.seqs], [[2], [1]]);
});

test('a leader that is away is named; the others are asked who leads now', async (t) => {
  await using one = await new KafkaBroker().listen();
  await using two = await new KafkaBroker().listen();
  await using output = await outputFor([one.address, two.address]);
  one.leader = two.leader = { host: '127.0.0.1', port: two.port };
  t.is(await sent(output, [exec(1)]), 'taken');
  await two.stop();
  t.regex(await sent(output, [exec(2)]), new RegExp(`^127\\.0\\.0\\.1:${two.port}: nobody listens there`, 'u'));
  one.leader = undefined;
  t.is(await sent(output, [exec(2)]), 'taken');
  t.deepEqual(one.seqs, [2]);
});

test('a broker that is away is passed over; when all are, each is named, in the same words every time', async (t) => {
  const brokers = await Promise.all(Array.from({ length: 3 }, () => new KafkaBroker().listen()));
  const [one, two, three] = brokers as [KafkaBroker, KafkaBroker, KafkaBroker];
  await one.stop();
  await using output = await outputFor([one, two, three].map(({ address }) => address));
  t.is(await sent(output, [exec(1)]), 'taken');
  await Promise.all([two.stop(), three.stop()]);
  const reasons = new Set<string>();
  for (let i = 0; i < 4; i++) reasons.add(await sent(output, [exec(2)]));
  t.is(reasons.size, 1);
  t.is([...reasons][0]!.match(/nobody listens there \(ECONNREFUSED\)/gu)?.length, 3);
  await three.listen();
  t.is(await sent(output, [exec(2)]), 'taken');
  await three.stop();
});

test('a broker that does not answer leaves time for the next one', async (t) => {
  await using silent = await new KafkaBroker().listen();
  silent.answer = () => 'nothing';
  await using broker = await new KafkaBroker().listen();
  await using output = await outputFor([silent.address, broker.address], { timeout: '4s' });
  t.is(await sent(output, [exec(1)]), 'taken');
});

test('an idle connection that the broker closed costs no failure', async (t) => {
  await using broker = await new KafkaBroker().listen();
  await using output = await outputFor(broker.address);
  t.is(await sent(output, [exec(1)]), 'taken');
  broker.cut();
  t.is(await sent(output, [exec(2)]), 'taken');
  // Closed just as the batch arrives.
  let cut = false;
  broker.answer = ({ api }) => (api === API.produce && !cut ? ((cut = true), 'cut') : undefined);
  t.is(await sent(output, [exec(3)]), 'taken');
  t.deepEqual(broker.seqs, [1, 2, 3]);
});

test('MESSAGE_TOO_LARGE: the batch is sent in halves, and those that follow begin with what went through', async (t) => {
  for (const code of [10, 18]) {
    await using broker = await new KafkaBroker().listen();
    await using output = await outputFor(broker.address);
    broker.answer = ({ api, body }) => (api === API.produce && body.length > 5000 ? code : undefined);
    const items = many(32);
    t.is(await sent(output, items), 'taken');
    const before = broker.produced.length;
    t.is(await sent(output, items), 'taken');
    t.true(
      broker.produced.slice(before).every(({ bytes }) => bytes <= 5000),
      'no request is in vain the second time',
    );
    t.deepEqual(
      broker.seqs,
      [...items, ...items].map(({ first }) => first),
    );
  }
});

for (const [code, name] of [
  [10, 'MESSAGE_TOO_LARGE'],
  [87, 'INVALID_RECORD'],
] as const) {
  test(`${name}: the events to blame are found and refused, all others arrive once and in order`, async (t) => {
    await using broker = await new KafkaBroker().listen();
    await using output = await outputFor(broker.address);
    broker.answer = ({ api, body }) =>
      api === API.produce && [3, 17, 18].some((seq) => body.includes(`"seq":${seq},`)) ? code : undefined;
    const items = many(40);
    t.like(await output.send(batchFor(output, items)), {
      kind: 'refused',
      reason: `${name} (${code})`,
      records: [2, 16, 17],
    });
    t.deepEqual(
      broker.seqs,
      items.map(({ first }) => first).filter((seq) => ![3, 17, 18].includes(seq)),
    );
    t.true(broker.produced.length <= 2 * 40 - 1);
  });
}

test('a batch in a request never has more bytes than batch.max_bytes, except for a single event', async (t) => {
  await using broker = await new KafkaBroker().listen();
  await using output = await outputFor(broker.address, { batch: { max_bytes: '4KiB' } });
  t.is(await sent(output, many(40)), 'taken');
  t.true(broker.produced.length > 5);
  t.true(broker.produced.every(({ bytes }) => bytes <= 4096));
  t.is(broker.stored.length, 40);
});

test('max_rate spreads what is sent, and makes batches of a second at most', async (t) => {
  await using broker = await new KafkaBroker().listen();
  await using output = await outputFor(broker.address, { max_rate: 100 });
  t.is(output.limits.records, 100);
  const begun = performance.now();
  for (let i = 0; i < 3; i++) await sent(output, many(20));
  t.true(performance.now() - begun >= 390, 'the third waits for the first two');
});

test('a broker that asks for patience gets it, but not for ever', async (t) => {
  await using broker = await new KafkaBroker().listen();
  await using output = await outputFor(broker.address);
  broker.throttleMs = 400;
  t.is(await sent(output, [exec(1)]), 'taken');
  broker.throttleMs = -1;
  const begun = performance.now();
  t.is(await sent(output, [exec(2)]), 'taken');
  t.true(performance.now() - begun >= 390);
  t.is(await sent(output, [exec(3)]), 'taken');
});
