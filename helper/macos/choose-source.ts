import type { ChildHandoff } from './child/handoff.ts';
import { HelperError } from '../errors.ts';

/** CSR_ALLOW_UNRESTRICTED_DTRACE of bsd/sys/csr.h. */
export const CSR_ALLOW_UNRESTRICTED_DTRACE = 1 << 5;

/** Programs on the sealed system volume, where no administrator can have replaced them. */
export const DTRACE = '/usr/sbin/dtrace';
export const ESLOGGER = '/usr/bin/eslogger';

/** The facts for the choice. */
export interface Circumstances {
  /** Whether System Integrity Protection lets dtrace look into the kernel. */
  readonly isDtraceFree: boolean;
  /** Whether this macOS has eslogger: 13 and later do. */
  readonly hasEslogger: boolean;
}

/**
 * The source for `--source`, and its known limits. `auto` means dtrace if it sees everything, otherwise eslogger,
 * otherwise dtrace with its limits.
 * @throws {HelperError} HELPER_UNSUPPORTED when the requested source does not exist
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
