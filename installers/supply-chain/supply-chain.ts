import type { KeyObject } from 'node:crypto';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { VERSION } from '../../shared/version.ts';
import type { Key } from '../signing/key.ts';
import { sha256 } from '../programs/manifest.ts';
import { sourceCommit } from '../tools/source-commit.ts';
import type { TreeEntry } from '../tools/tree.ts';
import { cycloneDx } from './cyclonedx.ts';
import { envelope, signingKey } from './envelope.ts';
import { inventory } from './inventory.ts';
import { LOCAL_BUILDER, provenance } from './provenance.ts';
import { spdx } from './spdx.ts';

/** The builder who vouches for a build. */
export interface Builder {
  /** A URI; without one, the statements say that it is a local build. */
  readonly id?: string;
  /** An Ed25519 key that signs the statements; without one, they are not signed. */
  readonly key?: Key;
}

/** The packages that the papers are about. */
export interface Made {
  readonly architecture: 'x64' | 'arm64';
  readonly payload: readonly TreeEntry[];
  /** The time of the commit, in seconds since 1970. */
  readonly epoch: number;
  /** Names of the packages in the folder. */
  readonly packages: readonly string[];
}

/** A builder whose URI and key can be used. */
export interface Voucher {
  readonly uri: string;
  readonly key?: KeyObject;
}

/** @throws {Error} when the URI is none, or the key cannot be used */
export function voucherOf({ id, key }: Builder): Voucher {
  if (id !== undefined && !URL.canParse(id))
    throw new Error(`--builder: expected a URI, such as https://ci.example/release, got "${id}"`);
  return {
    uri: id ?? LOCAL_BUILDER,
    ...(key === undefined ? {} : { key: signingKey(key.key, key.passwordFile) }),
  };
}

/**
 * Writes beside the packages of one architecture: what is in them, as CycloneDX (`.cdx.json`) and SPDX (`.spdx.json`), and for
 * each how it was made (`.provenance.json`).
 */
export async function writeSupplyChain(
  folder: string,
  { architecture, payload, epoch, packages }: Made,
  { uri }: Voucher,
): Promise<void> {
  const contents = await inventory(architecture, programHashes(payload));
  const name = `platform-probes-${VERSION}-linux-${architecture}`;
  write(folder, `${name}.cdx.json`, cycloneDx(contents, epoch));
  write(folder, `${name}.spdx.json`, spdx(contents, epoch));
  const build = { target: `linux-${architecture}`, builder: uri, commit: sourceCommit(), epoch };
  for (const file of packages) {
    const statement = provenance({ name: file, data: readFileSync(path.join(folder, file)) }, contents, build);
    write(folder, `${file}.provenance.json`, statement);
  }
}

/** Signs the statements of packages (`.intoto.jsonl`), if there is a key. Others cannot make these files again. */
export function signStatements(folder: string, packages: readonly string[], { key }: Voucher): void {
  if (key === undefined) return;
  for (const file of packages) {
    const statement = readFileSync(path.join(folder, `${file}.provenance.json`), 'utf8');
    write(folder, `${file}.intoto.jsonl`, envelope(statement, key));
  }
}

function write(folder: string, name: string, text: string): void {
  writeFileSync(path.join(folder, name), text);
  // Whatever the umask is.
  chmodSync(path.join(folder, name), 0o644);
}

/** SHA-256 of the programs and of what they load, by name. */
function programHashes(payload: readonly TreeEntry[]): ReadonlyMap<string, string> {
  return new Map(
    payload.flatMap(({ path: name, data }) =>
      name.startsWith('usr/libexec/') && data !== undefined ? [[path.basename(name), sha256(data)] as const] : [],
    ),
  );
}
