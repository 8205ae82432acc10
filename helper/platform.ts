import type { AuditOptions, RunOptions } from './command-line.ts';

/** The commands of one system. */
export interface Platform {
  /** Traces and forwards. Returns at once or never; the process ends by itself. @throws {HelperError} */
  run(options: RunOptions): void;

  /**
   * Compares the running helper with the release.
   * @returns the report, and whether there are no findings
   * @throws {HelperError} when it cannot examine the helper
   */
  audit(options: AuditOptions): { text: string; ok: boolean };

  /**
   * The second half of `run`, for systems on which the helper replaces itself; only `run` starts it. @throws
   * {HelperError}
   */
  forward?(handoff: string | undefined): void;
}
