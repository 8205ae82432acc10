import { spawnSync } from 'node:child_process';
import { copyFileSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { VERSION } from '../../shared/version.ts';
import { EVENT_SCHEMA_FILE } from '../generated/event-schemas.ts';
import { manifestText } from '../programs/manifest.ts';
import { inCheckout } from '../tools/root-folder.ts';
import { sign, type Signing } from './sign.ts';
import { QUERIES, TABLES } from './tables.ts';

/** The agent's virtual account: Windows makes it with the service, and nobody knows a password. */
const AGENT_ACCOUNT = String.raw`NT SERVICE\platform-probes-agent`;

const SHIPPED = ['probes-helper.exe', 'probes-agent.exe', 'koffi.node'];
/** The files that go into it unchanged. */
const SOURCES = inCheckout('installers/windows');

interface MsiOptions {
  /** Folder with the built programs. */
  readonly files: string;
  /** Path of the installer to be made. */
  readonly output: string;
  readonly signing?: Signing;
  /** For tests: a version other than the product's, and files that are installed beside the product's. */
  readonly version?: string;
  readonly extraFiles?: readonly string[];
}

/** Makes the installer. Needs wixl and msibuild, and osslsigncode when it is to be signed. @throws {Error} saying which step failed */
export function buildMsi({ files, output, signing, version = VERSION, extraFiles = [] }: MsiOptions): void {
  const work = mkdtempSync(path.join(tmpdir(), 'platform-probes-msi-'));
  try {
    const staged = path.join(work, 'files');
    mkdirSync(staged);
    for (const name of [...SHIPPED, ...extraFiles]) copyFileSync(path.join(files, name), path.join(staged, name));
    if (signing !== undefined) for (const name of SHIPPED) sign(path.join(staged, name), signing);
    // After signing, because a signature changes the file.
    writeFileSync(path.join(staged, 'manifest.json'), manifestText(staged, SHIPPED));
    cpSync(path.join(SOURCES, 'agent.yaml'), path.join(staged, 'agent.yaml'));
    copyFileSync(inCheckout(EVENT_SCHEMA_FILE), path.join(staged, path.basename(EVENT_SCHEMA_FILE)));
    const source = path.join(work, 'platform-probes.wxs');
    writeFileSync(source, sourceOf(version, extraFiles));
    const msi = path.join(work, 'platform-probes.msi');
    // wixl finds files by names relative to its working folder.
    run('wixl', ['--arch', 'x64', '--output', msi, source], staged);
    for (const [name, text] of Object.entries(TABLES)) {
      const table = path.join(work, `${name}.idt`);
      writeFileSync(table, text);
      run('msibuild', [msi, '-i', table]);
    }
    for (const query of QUERIES) run('msibuild', [msi, '-q', query]);
    if (signing !== undefined) sign(msi, signing);
    copyFileSync(msi, output);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function sourceOf(version: string, extraFiles: readonly string[]): string {
  const id = (name: string): string => `Extra_${name.replaceAll(/\W/g, '_')}`;
  const components = extraFiles.map(
    (name, i) =>
      `<Component Id="${id(name)}" Guid="5a9d1c64-6c43-4d1e-8c0b-1d8a5c0e7b${String(i).padStart(2, '0')}" Win64="yes"><File Id="${id(name)}_File" Name="${name}" Source="${name}" KeyPath="yes" /></Component>`,
  );
  const values: Readonly<Record<string, string>> = {
    VERSION: version,
    AGENT_ACCOUNT,
    EXTRA_COMPONENTS: components.join('\n'),
    EXTRA_REFERENCES: extraFiles.map((name) => `<ComponentRef Id="${id(name)}" />`).join('\n'),
  };
  return readFileSync(path.join(SOURCES, 'platform-probes.wxs'), 'utf8').replaceAll(
    /\$\{(\w+)\}/g,
    (whole, name: string) => values[name] ?? whole,
  );
}

function run(command: string, args: readonly string[], cwd?: string): void {
  const result = spawnSync(command, args, { encoding: 'utf8', cwd });
  if (result.status === 0) return;
  throw new Error(
    `${command} failed: ${result.error?.message ?? (result.stderr.trim() || result.stdout.trim())}. Debian's packages wixl and msitools have these tools.`,
  );
}
