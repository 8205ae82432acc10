import { audit } from './audit/audit.ts';
import type { Platform } from '../platform.ts';
import { forward } from './forward/forward.ts';
import { parseHandoff } from './handoff.ts';
import { run } from './root/run.ts';

export const linux: Platform = { run, audit, forward: (handoff) => forward(parseHandoff(handoff)) };
