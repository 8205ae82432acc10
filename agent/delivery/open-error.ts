/** Thrown when the spool or outputs of a configuration cannot be opened; nothing was changed. */
export class OpenError extends Error {
  override readonly name = 'OpenError';
  readonly reasons: readonly string[];

  constructor(reasons: readonly string[], options?: ErrorOptions) {
    super(reasons.join('; '), options);
    this.reasons = reasons;
  }
}
