/** Facts that the host gives a scenario, in facts.json. */
export interface Facts {
  /** Versions in the repository. */
  readonly older: string;
  readonly newer: string;
  /** The findings of systemd by docs/services.md. */
  readonly units: readonly { readonly unit: string; readonly exposure: number }[];
  /** Its drop-ins. */
  readonly dropIns: readonly {
    readonly title: string;
    readonly unit: string;
    readonly text: string;
    readonly exposure?: number;
  }[];
}
