import type { Platform } from '../platform.ts';
import { audit } from './audit/audit.ts';
import { forward, run } from './run.ts';

export const macos: Platform = { run, forward, audit };
