import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import {
  signStatements,
  voucherOf,
  writeSupplyChain,
  type Builder,
} from '../../installers/supply-chain/supply-chain.ts';
import type { TreeEntry } from '../../installers/tools/tree.ts';

/** A time for all that is made here. */
export const EPOCH = 1_700_000_000;

/** Stands for the files of an installation, in a few bytes. */
export const PAYLOAD: readonly TreeEntry[] = ['probes-helper', 'probes-agent', 'koffi.node', 'exec.bpf.o'].map(
  (name): TreeEntry => ({
    path: `usr/libexec/platform-probes/${name}`,
    mode: 0o755,
    data: Buffer.from(`bytes of ${name}`),
  }),
);

export const PACKAGES = ['platform-probes_1_amd64.deb', 'platform-probes-1.x86_64.rpm'] as const;

/** A folder with two packages in name alone, and the real papers beside them. */
export class Papers implements Disposable {
  readonly folder = mkdtempSync(path.join(tmpdir(), 'probes-papers-'));

  static async write(builder: Builder = {}, payload = PAYLOAD): Promise<Papers> {
    const papers = new Papers();
    for (const name of PACKAGES) writeFileSync(path.join(papers.folder, name), `bytes of ${name}`);
    const voucher = voucherOf(builder);
    await writeSupplyChain(papers.folder, { architecture: 'x64', payload, epoch: EPOCH, packages: PACKAGES }, voucher);
    signStatements(papers.folder, PACKAGES, voucher);
    return papers;
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
