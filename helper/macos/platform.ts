import { HelperError } from '../errors.ts';
import type { Platform } from '../platform.ts';
import { forward, run } from './run.ts';

export const macos: Platform = {
  run,
  forward,
  audit() {
    throw new HelperError('HELPER_UNSUPPORTED', 'there is no audit for macOS yet. docs/macos.md lists the commands that show the same.');
  },
};
