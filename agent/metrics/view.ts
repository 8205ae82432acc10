import type { Deliveries } from '../delivery/deliveries.ts';
import type { Log } from '../delivery/log/log.ts';
import type { DetectionCounters } from '../detection/counters.ts';
import type { SourceState } from '../source/source-state.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';

/** Everything that metrics and health look at. Nothing is copied until somebody asks. */
export interface View {
  readonly telemetry: Pick<Telemetry, 'countOf'>;
  readonly source: SourceState;
  readonly detection: DetectionCounters;
  readonly log: Pick<Log, 'memoryBytes' | 'factBytes' | 'withoutFacts'>;
  readonly deliveries: Pick<Deliveries, 'reports'>;
}
