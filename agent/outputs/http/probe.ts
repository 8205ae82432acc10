import { identityOf } from '../../formats/identified.ts';
import type { Probed } from '../probe.ts';
import { headRequest, judgeHead, probeWeb } from '../web/probe.ts';
import type { HttpOutputConfig } from './config.ts';
import { fill, type Values } from './template.ts';

/** Asks for the address with HEAD. Nobody knows what else a receiver of this kind would answer. */
export function probe(config: HttpOutputConfig): Promise<Probed> {
  const { hostId, host, stream } = identityOf(config.name);
  const values: Values = { batch: 'none', host_id: hostId, host, boot_id: 'none', stream };
  const address = new URL(fill(config.url, values, encodeURIComponent));
  const headers = Object.entries(config.headers).map(([name, text]) => [
    name,
    fill(text, values, (value) => value.replaceAll(/[^\x20-\x7e]/gu, '?')),
  ]);
  return probeWeb(config, headRequest(address, Object.fromEntries(headers)), judgeHead);
}
