import type { Log } from '../../../agent/log.ts';
import { Telemetry } from '../../../agent/telemetry/telemetry.ts';

export interface Raised {
  event: string;
  level: string;
  [field: string]: unknown;
}

/** Telemetry whose log lines are kept. */
export function recordingTelemetry(now?: () => number): { telemetry: Telemetry; raised: Raised[] } {
  const raised: Raised[] = [];
  const at = (level: string) => (fields: object) => void raised.push({ level, ...fields } as Raised);
  const log = { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') } as unknown as Log;
  return { telemetry: new Telemetry(log, now), raised };
}
