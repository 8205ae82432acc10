import { reasonOf } from '../../errors.ts';
import { identityOf } from '../../formats/identified.ts';
import { SmallFiles } from '../network/small-files.ts';
import { tlsFiles, tlsOptions } from '../network/tls.ts';
import { PROBE_MS, type Probed } from '../probe.ts';
import { addressOf, type NatsOutputConfig } from './config.ts';
import { Connection } from './connection.ts';
import { authFiles, credentialsOf } from './credentials.ts';

/** Connects to each server as the output does, up to the answer to PING, which comes only to those who are let in. */
export async function probe(config: NatsOutputConfig): Promise<Probed> {
  const { auth, inbox_prefix: inboxPrefix, name, servers, timeout, tls, tls_first: tlsFirst } = config;
  const failures: string[] = [];
  try {
    const files = new SmallFiles([...tlsFiles(tls), ...authFiles(auth)]);
    await files.refresh(true);
    const shared = {
      tls: tlsOptions(tls, files),
      credentials: credentialsOf(auth, files),
      tlsFirst,
      inboxPrefix,
      timeoutMs: Math.min(timeout, PROBE_MS),
      name: `platform-probes ${identityOf(name).host} (doctor)`,
    };
    await Promise.all(
      servers.map(async (server) => {
        const address = addressOf(server, tls);
        try {
          (await Connection.open({ ...shared, address })).close();
        } catch (error) {
          failures.push(`${address.host}:${address.port}: ${reasonOf(error)}`);
        }
      }),
    );
  } catch (error) {
    return { verdict: 'problem', says: reasonOf(error) };
  }
  if (failures.length === 0)
    return {
      verdict: 'ok',
      says: 'lets the agent in; whether a stream takes the subject shows only when events are sent',
    };
  return { verdict: failures.length === servers.length ? 'problem' : 'warning', says: failures.toSorted().join('; ') };
}
