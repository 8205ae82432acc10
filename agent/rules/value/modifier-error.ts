/** A modifier that does not fit its value; the message says what it needs. */
export class ModifierError extends Error {
  override readonly name = 'ModifierError';
}
