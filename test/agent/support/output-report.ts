import type { OutputReport } from '../../../agent/delivery/deliveries.ts';
import { OutputCounters } from '../../../agent/delivery/output-counters.ts';

/** The report of an output that is up and has everything, except as `overrides` says. */
export const outputReport = (overrides: Partial<OutputReport> = {}): OutputReport => ({
  name: 'local',
  type: 'file',
  downMs: 0,
  lagRecords: 0,
  lagBytes: 0,
  oldestMs: 0,
  stuckMs: 0,
  counters: new OutputCounters(),
  ...overrides,
});
