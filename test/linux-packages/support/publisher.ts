import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { ExecutionContext } from 'ava';

import { updateRepository } from '../../../installers/repository/repository.ts';
import { makeGpgKey } from '../../support/gpg-key.ts';
import { makeSmall } from './small.ts';

export const PASSWORD = 'a password\n';

/** Made once, when a test first needs it. */
const KEY = {
  made: undefined as string | undefined,
  get(): string {
    return (this.made ??= makeGpgKey(PASSWORD));
  },
};

/** A folder with packages of some versions, a key with a password, and the repository. */
export class Publisher {
  readonly folder: string;
  readonly repository: string;
  readonly key: { key: string; passwordFile: string };

  constructor(t: ExecutionContext, versions: readonly string[], key = KEY.get()) {
    this.folder = mkdtempSync(path.join(tmpdir(), 'probes-publisher-'));
    t.teardown(() => rmSync(this.folder, { recursive: true, force: true }));
    this.repository = path.join(this.folder, 'repository');
    for (const version of versions) makeSmall(this.at(version), version);
    writeFileSync(this.at('key.asc'), key);
    writeFileSync(this.at('password'), PASSWORD);
    this.key = { key: this.at('key.asc'), passwordFile: this.at('password') };
  }

  at(name: string): string {
    return path.join(this.folder, name);
  }

  publish(version: string, signed = true): void {
    updateRepository(this.repository, this.at(version), signed ? this.key : undefined);
  }
}
