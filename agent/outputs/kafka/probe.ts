import { reasonOf } from '../../errors.ts';
import { identityOf } from '../../formats/identified.ts';
import { SmallFiles } from '../network/small-files.ts';
import { tlsFiles } from '../network/tls.ts';
import { PROBE_MS, type Probed } from '../probe.ts';
import { accessOf } from './access.ts';
import { addressIn } from './address.ts';
import { Cluster } from './cluster.ts';
import type { KafkaOutputConfig } from './config.ts';
import { nameOf } from './link.ts';
import { API, PRODUCE_WITH_ZSTD } from './wire/messages.ts';

/** Finds the broker that leads this host's partition, and connects to it: versions, TLS and SASL included. */
export async function probe(config: KafkaOutputConfig): Promise<Probed> {
  const { auth, brokers, compression, name, timeout, tls, topic } = config;
  const cluster = new Cluster({
    brokers: brokers.map((broker) => addressIn(broker)!),
    topic,
    key: Buffer.from(identityOf(name).hostId),
    leastProduce: compression === 'zstd' ? PRODUCE_WITH_ZSTD : API.produce.min,
    timeoutMs: Math.min(timeout, PROBE_MS),
  });
  try {
    const files = new SmallFiles([...tlsFiles(tls), auth?.password_file]);
    await files.refresh(true);
    cluster.use(accessOf(config, files));
    const { address, partition } = await cluster.find();
    return {
      verdict: 'ok',
      says: `${nameOf(address)} leads partition ${partition} of topic ${topic}, and lets the agent in; whether it may write shows only when events are sent`,
    };
  } catch (error) {
    return { verdict: 'problem', says: reasonOf(error) };
  } finally {
    cluster.close();
  }
}
