import type { AuditOptions, RunOptions } from './command-line.ts';

/** What the commands do on one system. */
export interface Platform {
  /** Traces and forwards; returns at once or never, the process ends by itself. @throws {HelperError} */
  run(options: RunOptions): void;

  /**
   * Compares what runs with what was shipped.
   * @returns the report, and whether nothing is to be objected to
   * @throws {HelperError} when it cannot look
   */
  audit(options: AuditOptions): { text: string; ok: boolean };

  /** The second half of `run`, where the helper replaces itself; started by it alone. @throws {HelperError} */
  forward?(handoff: string | undefined): void;
}
