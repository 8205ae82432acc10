import { gzipSync } from 'node:zlib';

import { withFolders, type TreeEntry } from '../tools/tree.ts';
import { bom } from './bom.ts';
import { cpio } from './cpio.ts';
import { xar } from './xar.ts';

/** The parts of a package. */
export interface PackageParts {
  readonly identifier: string;
  readonly version: string;
  readonly payload: readonly TreeEntry[];
  /** By name: `preinstall`, `postinstall`. */
  readonly scripts: Readonly<Record<string, Buffer>>;
  /** For every date in the package, seconds since 1970. */
  readonly epoch: number;
}

/** A flat package, as installer(8) of macOS takes it, unsigned. The same parts give the same bytes. */
export function flatPackage({ identifier, version, payload, scripts, epoch }: PackageParts): Buffer {
  const kilobytes = Math.ceil(payload.reduce((sum, { data }) => sum + (data?.length ?? 0), 0) / 1024);
  const names = Object.keys(scripts).toSorted();
  const info = `<?xml version="1.0" encoding="utf-8"?>
<pkg-info format-version="2" identifier="${identifier}" version="${version}" install-location="/" auth="root" overwrite-permissions="true" relocatable="false">
    <payload installKBytes="${kilobytes}" numberOfFiles="${withFolders(payload).length + 1}"/>
    <scripts>
${names.map((name) => `        <${name} file="./${name}"/>\n`).join('')}    </scripts>
</pkg-info>
`;
  const packed = (entries: readonly TreeEntry[]): Buffer => gzipSync(cpio(entries, epoch), { level: 6 });
  return xar(
    [
      { name: 'Bom', data: bom(payload, epoch) },
      { name: 'PackageInfo', data: Buffer.from(info) },
      { name: 'Payload', data: packed(payload) },
      {
        name: 'Scripts',
        data: packed(names.map((name) => ({ path: name, mode: 0o755, data: scripts[name] as Buffer }))),
      },
    ],
    epoch,
  );
}
