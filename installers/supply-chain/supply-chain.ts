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

/** Who vouches for a build. */
export interface Builder {
  /** A URI; without one, the statements say that it is a local build. */
  readonly id?: string;
  /** An Ed25519 key that signs the statements; without one, they are not signed. */
  readonly key?: Key;
}

/** What the papers are about. */
export interface Made {
  readonly architecture: 'x64' | 'arm64';
  readonly payload: readonly TreeEntry[];
  /** The time of the commit, in seconds since 1970. */
  readonly epoch: number;
  /** Names of the packages in the folder. */
  readonly packages: readonly string[];
}

/**
 * Writes beside the packages of one architecture: what is in them, as CycloneDX (`.cdx.json`) and SPDX (`.spdx.json`), and for
 * each how it was made (`.provenance.json`, and signed `.intoto.jsonl`).
 * @throws {Error} when the key or the builder's URI cannot be used
 */
export async function writeSupplyChain(
  folder: string,
  { architecture, payload, epoch, packages }: Made,
  builder: Builder,
): Promise<void> {
  const write = (name: string, text: string): void => {
    writeFileSync(path.join(folder, name), text);
    chmodSync(path.join(folder, name), 0o644);
  };
  const key = builder.key === undefined ? undefined : signingKey(builder.key.key, builder.key.passwordFile);
  const contents = await inventory(architecture, programHashes(payload));
  const name = `platform-probes-${VERSION}-linux-${architecture}`;
  write(`${name}.cdx.json`, cycloneDx(contents, epoch));
  write(`${name}.spdx.json`, spdx(contents, epoch));
  const build = {
    target: `linux-${architecture}`,
    builder: builderUri(builder.id),
    commit: sourceCommit(),
    epoch,
  };
  for (const file of packages) {
    const statement = provenance({ name: file, data: readFileSync(path.join(folder, file)) }, contents, build);
    write(`${file}.provenance.json`, statement);
    if (key !== undefined) write(`${file}.intoto.jsonl`, envelope(statement, key));
  }
}

/** SHA-256 of the programs and of what they load, by name. */
function programHashes(payload: readonly TreeEntry[]): ReadonlyMap<string, string> {
  return new Map(
    payload.flatMap(({ path: name, data }) =>
      name.startsWith('usr/libexec/') && data !== undefined ? [[path.basename(name), sha256(data)] as const] : [],
    ),
  );
}

function builderUri(id: string | undefined): string {
  if (id === undefined) return LOCAL_BUILDER;
  if (URL.canParse(id)) return id;
  throw new Error(`--builder: expected a URI, such as https://ci.example/release, got "${id}"`);
}
