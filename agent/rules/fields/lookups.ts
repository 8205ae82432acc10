import type { ExecEvent } from '../../../shared/events/exec.ts';
import type { ContainerFact } from '../../containers/container.ts';

/** The version resource of a Windows program. */
export interface VersionInfo {
  readonly originalFileName?: string;
  readonly fileVersion?: string;
  readonly description?: string;
  readonly product?: string;
  readonly company?: string;
}

/** In hexadecimal. */
export interface Digests {
  readonly md5?: string;
  readonly sha1?: string;
  readonly sha256?: string;
}

/**
 * Look-ups of facts that an event does not carry. The implementation caches and bounds them; a look-up is only
 * called when a rule reads the field. Each may return undefined.
 */
export interface Lookups {
  readonly userName?: (uid: number) => string | undefined;
  /** Of a Windows account, `DOMAIN\name`; the SID itself where it has none. */
  readonly accountName?: (sid: string) => string;
  readonly parentCommandLine?: (event: ExecEvent) => string | undefined;
  readonly parentUser?: (event: ExecEvent) => string | undefined;
  readonly grandParentImage?: (event: ExecEvent) => string | undefined;
  readonly entityId?: (event: ExecEvent) => string | undefined;
  readonly parentEntityId?: (event: ExecEvent) => string | undefined;
  readonly integrityLevel?: (event: ExecEvent) => string | undefined;
  readonly logonId?: (event: ExecEvent) => string | undefined;
  readonly versionInfo?: (image: string) => VersionInfo | undefined;
  readonly digests?: (event: ExecEvent) => Digests | undefined;
  /** The import hash of a Windows program, in hexadecimal. */
  readonly imphash?: (event: ExecEvent) => string | undefined;
  readonly container?: (event: ExecEvent) => ContainerFact | undefined;
}
