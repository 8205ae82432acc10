import type { RunOptions } from '../command-line.ts';
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
 * otherwise dtrace with its limits. With `--env` it means eslogger: dtrace does not tell the environment.
 * @throws {HelperError} HELPER_UNSUPPORTED when the requested source does not exist, or cannot do what is asked for
 */
export function chooseSource(
  { source: asked, env }: Pick<RunOptions, 'source' | 'env'>,
  { isDtraceFree, hasEslogger }: Circumstances,
): Pick<ChildHandoff, 'source' | 'limits'> {
  if (asked === 'eslogger' && !hasEslogger) {
    throw new HelperError(
      'HELPER_UNSUPPORTED',
      `--source eslogger: there is no ${ESLOGGER}; macOS has it from version 13 on. Use --source dtrace.`,
    );
  }
  const isDtraceBetter = (isDtraceFree && env.length === 0) || !hasEslogger;
  const source = asked === 'auto' ? (isDtraceBetter ? 'dtrace' : 'eslogger') : (asked as ChildHandoff['source']);
  if (source === 'dtrace' && env.length > 0) {
    throw new HelperError(
      'HELPER_UNSUPPORTED',
      '--env: dtrace does not tell the environment. Use --source eslogger, which macOS has from version 13 on, or omit --env.',
    );
  }
  return {
    source,
    limits: source === 'dtrace' && !isDtraceFree ? ['System Integrity Protection restricts DTrace'] : [],
  };
}
