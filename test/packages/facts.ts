/** What the host tells a scenario, in facts.json. */
export interface Facts {
  /** Versions in the repository. */
  readonly older: string;
  readonly newer: string;
  /** What docs/services.md says that systemd finds. */
  readonly units: readonly { readonly unit: string; readonly exposure: number }[];
  /** Its drop-ins. */
  readonly dropIns: readonly {
    readonly title: string;
    readonly unit: string;
    readonly text: string;
    readonly exposure?: number;
  }[];
}
