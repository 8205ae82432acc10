import { readFileSync } from 'node:fs';

import { VERSION } from '../../shared/version.ts';
import { sha256 } from '../programs/manifest.ts';
import { inCheckout } from '../tools/root-folder.ts';
import type { SourceCommit } from '../tools/source-commit.ts';
import type { Component, Inventory } from './inventory.ts';

/** Of a build that names no builder. Nobody vouches for it except whoever hands it on. */
export const LOCAL_BUILDER = 'urn:platform-probes:builder:local';

/** The meaning of external parameters and dependencies is in docs/supply-chain.md. */
const BUILD_TYPE = 'urn:platform-probes:build:npm-run-package:1';

export interface Build {
  /** The name of --target. */
  readonly target: string;
  /** A URI. */
  readonly builder: string;
  /** Undefined for source without git. */
  readonly commit: SourceCommit | undefined;
  /** The time of the commit, in seconds since 1970. */
  readonly epoch: number;
}

/**
 * How a file was made: an in-toto statement (https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md) with SLSA
 * provenance (https://slsa.dev/spec/v1.0/provenance). It has no time and no name of a machine: the same build gives the same
 * statement.
 */
export function provenance(
  file: { readonly name: string; readonly data: Uint8Array },
  { components }: Inventory,
  build: Build,
): string {
  const { target, builder, commit, epoch } = build;
  const source =
    commit === undefined
      ? []
      : [
          {
            name: 'source',
            digest: { gitCommit: commit.id },
            ...(commit.changed ? { annotations: { changed: true } } : {}),
          },
        ];
  const lockfile = {
    name: 'package-lock.json',
    digest: { sha256: sha256(readFileSync(inCheckout('package-lock.json'))) },
  };
  const statement = {
    _type: 'https://in-toto.io/Statement/v1',
    subject: [{ name: file.name, digest: { sha256: sha256(file.data) } }],
    predicateType: 'https://slsa.dev/provenance/v1',
    predicate: {
      buildDefinition: {
        buildType: BUILD_TYPE,
        externalParameters: { command: `npm run package -- --target ${target}`, target, version: VERSION },
        internalParameters: { SOURCE_DATE_EPOCH: epoch },
        resolvedDependencies: [...source, lockfile, ...components.flatMap(descriptor)],
      },
      runDetails: { builder: { id: builder } },
    },
  };
  return `${JSON.stringify(statement, undefined, 2)}\n`;
}

/** An archive of npm, by its hash. Other components come from these or from the source. */
function descriptor({ archive, sha512 }: Component): object[] {
  return archive === undefined || sha512 === undefined ? [] : [{ uri: archive, digest: { sha512 } }];
}
