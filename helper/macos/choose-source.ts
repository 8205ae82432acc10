import type { ChildHandoff } from './child/handoff.ts';
import { HelperError } from '../errors.ts';

/** CSR_ALLOW_UNRESTRICTED_DTRACE of bsd/sys/csr.h. */
export const CSR_ALLOW_UNRESTRICTED_DTRACE = 1 << 5;

/** Programs of the system; on the sealed system volume, so that no administrator can have replaced them. */
export const DTRACE = '/usr/sbin/dtrace';
export const ESLOGGER = '/usr/bin/eslogger';

/** What there is to choose from. */
export interface Circumstances {
  /** Whether System Integrity Protection lets dtrace look into the kernel. */
  readonly isDtraceFree: boolean;
  /** Whether this macOS has eslogger: 13 and later do. */
  readonly hasEslogger: boolean;
}

/**
 * The source for `--source`, and what limits it from the beginning. `auto` is dtrace
 * where it sees everything, else eslogger, else dtrace with what it still sees.
 * @throws {HelperError} HELPER_UNSUPPORTED when it asks for what is not there
 */
export function chooseSource(
  asked: string,
  { isDtraceFree, hasEslogger }: Circumstances,
): Pick<ChildHandoff, 'source' | 'limits'> {
  if (asked === 'eslogger' && !hasEslogger) {
    throw new HelperError(
      'HELPER_UNSUPPORTED',
      `--source eslogger: there is no ${ESLOGGER}; macOS has it from version 13 on. Use --source dtrace.`,
    );
  }
  const source =
    asked === 'auto' ? (isDtraceFree || !hasEslogger ? 'dtrace' : 'eslogger') : (asked as ChildHandoff['source']);
  return {
    source,
    limits: source === 'dtrace' && !isDtraceFree ? ['System Integrity Protection restricts DTrace'] : [],
  };
}
