import { readFileSync } from 'node:fs';
import path from 'node:path';

import { EVENT_SCHEMA_FILE } from '../generated/event-schemas.ts';
import { sha256 } from '../programs/manifest.ts';
import { PROGRAMS } from '../programs/programs.ts';
import { inCheckout } from '../tools/root-folder.ts';
import { VERSION } from '../../shared/version.ts';
import { lockedPackage, unpacked } from '../programs/npm-package.ts';
import type { TreeEntry } from '../tools/tree.ts';
import { macExecutable, type MacArchitecture } from './executable.ts';

/** The folder of the product. Only root can write to it, unlike /usr/local. */
export const HOME = 'Library/PlatformProbes';

const SCRIPTS = inCheckout('installers/macos/scripts');

/** The scripts that the installer runs as root, by the names that it knows. */
export const INSTALL_SCRIPTS = {
  preinstall: readFileSync(path.join(SCRIPTS, 'preinstall')),
  postinstall: readFileSync(path.join(SCRIPTS, 'postinstall')),
} as const;

/** Files that are the same on every architecture. */
export function commonFiles(): TreeEntry[] {
  const file = (to: string, from: string, mode = 0o644): TreeEntry => ({
    path: to,
    mode,
    data: readFileSync(inCheckout(from)),
  });
  return [
    file(`${HOME}/bin/exec.d`, 'dtrace/exec.d'),
    file(`${HOME}/agent.example.yaml`, 'installers/macos/agent.example.yaml'),
    file(`${HOME}/LICENSE`, 'LICENSE'),
    file(`${HOME}/schemas/${path.basename(EVENT_SCHEMA_FILE)}`, EVENT_SCHEMA_FILE),
    file(`${HOME}/uninstall`, 'installers/macos/scripts/uninstall', 0o755),
    file('Library/LaunchDaemons/platform-probes.helper.plist', 'installers/macos/launchd/platform-probes.helper.plist'),
    file('Library/LaunchDaemons/platform-probes.agent.plist', 'installers/macos/launchd/platform-probes.agent.plist'),
  ];
}

/** All files of the package for one architecture. */
export async function payload(architecture: MacArchitecture): Promise<TreeEntry[]> {
  const koffi = path.join(
    unpacked(lockedPackage(`@koromix/koffi-darwin-${architecture}`)),
    `darwin_${architecture}`,
    'koffi.node',
  );
  const files: TreeEntry[] = [
    ...commonFiles(),
    { path: `${HOME}/bin/koffi.node`, mode: 0o644, data: readFileSync(koffi) },
  ];
  for (const program of PROGRAMS)
    files.push({ path: `${HOME}/bin/${program.name}`, mode: 0o755, data: await macExecutable(program, architecture) });
  const bin = files.flatMap(({ path: name, data }) =>
    name.startsWith(`${HOME}/bin/`) && data !== undefined
      ? [[path.basename(name), { sha256: sha256(data), size: data.length }] as const]
      : [],
  );
  const manifest = { files: Object.fromEntries(bin.toSorted(([a], [b]) => (a < b ? -1 : 1))), version: VERSION };
  return [
    ...files,
    {
      path: `${HOME}/bin/manifest.json`,
      mode: 0o644,
      data: Buffer.from(`${JSON.stringify(manifest, undefined, 2)}\n`),
    },
  ];
}
