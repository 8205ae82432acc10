import type { Probed } from '../probe.ts';
import { headRequest, judgeHead, probeWeb } from '../web/probe.ts';
import type { LokiOutputConfig } from './config.ts';
import { pushTarget } from './protocol.ts';

/** Asks for the address of pushes with HEAD: a token that may only push is let in nowhere else. */
export function probe(config: LokiOutputConfig): Promise<Probed> {
  const { address, headers } = pushTarget(config);
  return probeWeb(config, headRequest(address, headers), judgeHead);
}
