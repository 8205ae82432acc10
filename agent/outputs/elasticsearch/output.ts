import type { Telemetry } from '../../telemetry/telemetry.ts';
import { WebOutput } from '../web/output.ts';
import type { ElasticsearchOutputConfig } from './config.ts';
import { BulkProtocol } from './protocol.ts';

/** Documents to Elasticsearch or OpenSearch. */
export class ElasticsearchOutput extends WebOutput {
  constructor(config: ElasticsearchOutputConfig, telemetry: Telemetry) {
    super(config, telemetry, new BulkProtocol(config));
  }
}
