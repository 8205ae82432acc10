import type { Telemetry } from '../../telemetry/telemetry.ts';
import { WebOutput } from '../web/output.ts';
import type { LokiOutputConfig } from './config.ts';
import { PushProtocol } from './protocol.ts';

/** Log entries to Grafana Loki. */
export class LokiOutput extends WebOutput {
  constructor(config: LokiOutputConfig, telemetry: Telemetry) {
    super(config, telemetry, new PushProtocol(config));
  }
}
