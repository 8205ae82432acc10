import type { Telemetry } from '../../telemetry/telemetry.ts';
import { WebOutput } from '../web/output.ts';
import type { OtlpOutputConfig } from './config.ts';
import { OtlpProtocol } from './protocol.ts';

/** Log records of OpenTelemetry to a receiver of OTLP over HTTP. */
export class OtlpOutput extends WebOutput {
  constructor(config: OtlpOutputConfig, telemetry: Telemetry) {
    const { name: output } = config;
    super(
      config,
      telemetry,
      new OtlpProtocol(config, () => telemetry.raiseRepeating('ReceiverWarned', output, { output })),
    );
  }
}
