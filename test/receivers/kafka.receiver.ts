// The kafka output and librdkafka: its mock brokers, since no real one could be had, and kcat, which reads what they keep.
import { spawnSync } from 'node:child_process';
import test, { type ExecutionContext } from 'ava';
import { hostId } from '../../agent/formats/host-id.ts';
import { problemsOf } from '../agent/delivery/seal/check.ts';
import { Workplace, type AgentProcess } from '../agent/support/agent-process.ts';
import { numberAfter, read, start } from '../agent/support/outputs.ts';
import { execEvent, FakeHelper, gapEvent } from '../support/fake-helper.ts';
import { recipe } from '../support/recipes.ts';
import { KafkaCluster, KafkaConsumer } from './support/kafka-cluster.ts';
import { judgeBySql } from './support/judge-by-sql.ts';
import { firstArrivals, Load, OUTAGE_MS, residentMiB } from './support/outage.ts';

const TOPIC = 'platform-probes';
/** How long the load lasts before and after the outage, in milliseconds. */
const AROUND_MS = 5000;
const MAX_GROWTH_MIB = 96;

/** The recipe of docs/outputs.md without what mock brokers do not have, with a spool and the places of a test. */
function configure(work: Workplace, helper: FakeHelper, cluster: KafkaCluster, more = ''): string {
  const outputs = recipe('Kafka', 'yaml')
    .replace(/\[.*:909.*\]/u, JSON.stringify(cluster.addresses))
    .replace(/^ +(?:tls|auth):.*\n(?: {6,}.*\n)*/gmu, '')
    .replace('/var/log/platform-probes/refused.jsonl', work.path('refused'));
  return `source: { socket: ${helper.socketPath} }\nspool: { folder: ${work.path('spool')} }\n${outputs}${more}`;
}

const upTo = (last: number): number[] => Array.from({ length: last }, (_, i) => i + 1);

/**
 * Each number arrived, and first in order; what came twice came after. All are in one partition, as the broker counts them. What
 * the seals say is true.
 */
function assertWhole(
  t: ExecutionContext,
  { consumed, seqs }: KafkaConsumer,
  last: number,
  expected = upTo(last),
): void {
  t.deepEqual(firstArrivals(seqs), expected);
  t.deepEqual(problemsOf(consumed.map(({ value }) => value)), []);
  t.true(consumed.some(({ event: { type } }) => type === 'seal'));
  t.is(new Set(consumed.map(({ partition }) => partition)).size, 1);
  t.deepEqual(
    consumed.map(({ offset }) => offset),
    consumed.map((_, i) => i),
    'kcat missed none',
  );
}

async function connected(agent: AgentProcess): Promise<void> {
  await agent.until(() => agent.countOf('HelperConnected') === 1);
}

test.serial(
  'brokers that are away for a minute under load have every event, in order, when they are back',
  async (t) => {
    t.timeout(4 * OUTAGE_MS + 60_000);
    using work = new Workplace();
    await using helper = await new FakeHelper().listen();
    await using cluster = await new KafkaCluster(3).start();
    await cluster.tell(`topic ${TOPIC} 4`);
    await using consumer = new KafkaConsumer(cluster.addresses, TOPIC);
    const local = `  - { name: local, type: file, path: ${work.path('local')}, max_bytes: 1GiB }\n`;
    await using agent = await start(work, configure(work, helper, cluster, local));
    await connected(agent);
    const load = new Load(helper);
    await load.run(AROUND_MS);
    await agent.until(() => consumer.consumed.length > 0);
    const before = residentMiB(agent.child.pid!);
    await cluster.tell('down 0');
    await load.run(OUTAGE_MS);
    const grown = residentMiB(agent.child.pid!) - before;
    t.true(grown < MAX_GROWTH_MIB, `${grown} MiB more after the outage`);
    t.true(numberAfter(read(work.path('local'))) > load.last - 4000, 'the file never waited');
    t.true(agent.countOf('OutputFailed') > 0);
    await cluster.tell('up 0');
    await load.run(AROUND_MS);
    await agent.until(() => consumer.seqs.includes(load.last));
    t.is(await agent.end(), 0);
    assertWhole(t, consumer, load.last);
    judgeBySql(t, new Set(consumer.consumed.map(({ value }) => value)));
    t.is(read(work.path('refused')), '');
    t.true(agent.countOf('OutputRecovered') > 0);
  },
);

test.serial('every broker goes and comes back in turn, and leaders move under load: nothing is missing', async (t) => {
  using work = new Workplace();
  await using helper = await new FakeHelper().listen();
  await using cluster = await new KafkaCluster(3).start();
  await cluster.tell(`topic ${TOPIC} 1`);
  await using consumer = new KafkaConsumer(cluster.addresses, TOPIC);
  await using agent = await start(work, configure(work, helper, cluster));
  await connected(agent);
  const load = new Load(helper);
  for (const broker of [1, 2, 3, 1, 2, 3]) {
    await cluster.tell(`leader ${TOPIC} 0 ${broker}`);
    await load.run(700);
    await cluster.tell(`down ${broker}`);
    await load.run(700);
    await cluster.tell(`up ${broker}`);
  }
  await cluster.tell(`leader ${TOPIC} 0 -1`);
  await load.run(500);
  await cluster.tell(`leader ${TOPIC} 0 2`);
  await agent.until(() => consumer.seqs.includes(load.last));
  t.is(await agent.end(), 0);
  assertWhole(t, consumer, load.last);
});

test.serial('errors of the protocol, connections that are cut and slow answers lose nothing', async (t) => {
  using work = new Workplace();
  await using helper = await new FakeHelper().listen();
  await using cluster = await new KafkaCluster(2).start();
  await cluster.tell(`topic ${TOPIC} 3`);
  await using consumer = new KafkaConsumer(cluster.addresses, TOPIC);
  await using agent = await start(work, configure(work, helper, cluster));
  await connected(agent);
  const load = new Load(helper);
  await load.run(500);
  await agent.until(() => consumer.seqs.includes(load.last));
  // CORRUPT_MESSAGE … NOT_ENOUGH_REPLICAS_AFTER_APPEND, and -195: the broker cuts the connection.
  await cluster.tell('fail 0 2 3 -195 5 6 7 19 20 -195 -195');
  await load.run(1000);
  await cluster.tell('fail 3 5 -195');
  await cluster.tell('fail 18 -195');
  await cluster.tell('rtt 0 300');
  await load.run(1000);
  await cluster.tell('rtt 0 0');
  // MESSAGE_TOO_LARGE: the batch goes in halves.
  await cluster.tell('fail 0 10 10');
  helper.send(gapEvent(load.last + 1, load.last + 10), execEvent(load.last + 11), execEvent(load.last + 12));
  const last = load.last + 12;
  await agent.until(() => consumer.seqs.includes(last));
  t.is(await agent.end(), 0);
  assertWhole(t, consumer, last, [...upTo(load.last + 1), last - 1, last]);
  t.is(read(work.path('refused')), '');
});

test.serial(
  'twenty batches that are confirmed are twenty stored records, with key, headers and partition as librdkafka has them',
  async (t) => {
    using work = new Workplace();
    await using helper = await new FakeHelper().listen();
    await using cluster = await new KafkaCluster(1).start();
    await cluster.tell(`topic ${TOPIC} 16`);
    const text = configure(work, helper, cluster).replace(/batch: \{.*\}/u, 'batch: { max_events: 1, max_age: 0ms }');
    t.regex(text, /max_events: 1,/u);
    await using agent = await start(work, text);
    await connected(agent);
    helper.send(...upTo(20).map((seq) => execEvent(seq)));
    await using consumer = new KafkaConsumer(cluster.addresses, TOPIC);
    await agent.until(() => consumer.consumed.length === 20);
    t.is(await agent.end(), 0);
    // The twenty-first is the seal.
    await agent.until(() => consumer.consumed.length === 21);
    assertWhole(t, consumer, 20);
    for (const { key, headers, event } of consumer.consumed) {
      t.is(key, hostId());
      t.is(headers, `boot_id=${helper.hello.boot_id},seal=1`);
      t.like(event, { host_id: hostId(), boot_id: helper.hello.boot_id, stream: 'bus', schema_version: 1, seal: 1 });
    }
    // Another producer with the same key writes to the same partition.
    const args = ['-P', '-b', cluster.addresses.join(), '-t', TOPIC, '-k', hostId(), '-X', 'topic.partitioner=murmur2'];
    const produced = spawnSync('kcat', args, { input: '{"seq":21}', encoding: 'utf8' });
    t.is(produced.status, 0, produced.stderr);
    await agent.until(() => consumer.consumed.length === 22);
    t.is(consumer.consumed[21]!.partition, consumer.consumed[0]!.partition);
    t.is(consumer.consumed[21]!.key, hostId());
  },
);
