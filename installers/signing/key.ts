/** A secret key that the builder gives. */
export interface Key {
  /** A file; for gpg also the fingerprint of a key in the builder's own keyring. */
  readonly key: string;
  /** File whose first line is the password, so that no command line shows it. */
  readonly passwordFile?: string;
}
