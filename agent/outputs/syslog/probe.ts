import { reasonOf } from '../../errors.ts';
import { SmallFiles } from '../network/small-files.ts';
import { tlsFiles, tlsOptions } from '../network/tls.ts';
import { PROBE_MS, type Probed } from '../probe.ts';
import { targetOf, type SyslogOutputConfig } from './config.ts';
import { RelpSession } from './relp/session.ts';
import { StreamSession } from './stream-session.ts';

/** How long a connection without acknowledgements has to last, in milliseconds: a receiver that does not want it ends it. */
const SETTLE_MS = 500;

/** Opens a session and closes it: with RELP, both sides agree on it; otherwise the connection stands, TLS included. */
export async function probe(config: SyslogOutputConfig): Promise<Probed> {
  const { timeout, tls, transport } = config;
  try {
    const files = new SmallFiles(tlsFiles(tls));
    await files.refresh(true);
    const options = {
      target: targetOf(config),
      tls: tls === undefined ? undefined : tlsOptions(tls, files),
      timeoutMs: Math.min(timeout, PROBE_MS),
    };
    const session =
      transport === 'relp' ? await RelpSession.open(options) : await StreamSession.open(options, SETTLE_MS);
    await session.close();
  } catch (error) {
    return { verdict: 'problem', says: reasonOf(error) };
  }
  return {
    verdict: 'ok',
    says: transport === 'relp' ? 'opens a session of RELP' : 'takes the connection; more, this transport does not tell',
  };
}
