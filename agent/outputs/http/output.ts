import type { Telemetry } from '../../telemetry/telemetry.ts';
import { WebOutput } from '../web/output.ts';
import type { HttpOutputConfig } from './config.ts';
import { HttpProtocol } from './protocol.ts';

/** Batches of JSON to any web server. */
export class HttpOutput extends WebOutput {
  constructor(config: HttpOutputConfig, telemetry: Telemetry) {
    super(config, telemetry, new HttpProtocol(config));
  }
}
