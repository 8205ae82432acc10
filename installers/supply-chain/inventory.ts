import { VERSION } from '../../shared/version.ts';
import { bundle } from '../programs/bundle.ts';
import { PAGE_PACKAGES } from '../programs/page.ts';
import { PROGRAMS, type Program } from '../programs/programs.ts';
import { lockedIn, packageFolderOf, resolveFrom, type LockedPackage } from './lockfile.ts';
import { cpeOf, nodeParts } from './node-parts.ts';

/** Something that an installation consists of, or uses. */
export interface Component {
  /** Its name in the graph. */
  readonly ref: string;
  readonly kind: 'application' | 'library' | 'platform' | 'file';
  readonly name: string;
  readonly version?: string;
  /** SPDX expression. */
  readonly license: string;
  /** https://github.com/package-url/purl-spec */
  readonly purl?: string;
  readonly cpe?: string;
  /** Its purpose, where the name does not say it. */
  readonly purpose?: string;
  /** The archive of npm from which it was taken. */
  readonly archive?: string;
  /** Hash of the archive from which it was taken, in lower-case hexadecimal. */
  readonly sha512?: string;
  /** Hash of the installed file, in lower-case hexadecimal. */
  readonly sha256?: string;
  /** Whether the packages bring it, or expect it on the system. */
  readonly shipped: boolean;
  /** Refs of what is inside of it. */
  readonly contains: readonly string[];
  /** Refs of what it uses. */
  readonly uses: readonly string[];
}

/** The components of the packages of one architecture. The first component is the product. */
export interface Inventory {
  readonly architecture: 'x64' | 'arm64';
  readonly components: readonly Component[];
}

const LIBBPF = 'libbpf';

/** Libraries that each program loads when it runs. */
const USED: Readonly<Record<string, readonly string[]>> = {
  'probes-helper': ['koffi.node', 'exec.bpf.o', LIBBPF],
  'probes-agent': ['koffi.node'],
};

/**
 * Everything that an installation on Linux consists of: the programs, the npm packages that the bundler really put into
 * them, Node.js with the libraries in it, koffi, the probe, and, not shipped, libbpf.
 * @param hashes SHA-256 of the installed programs by their names; a name that is missing has no hash
 * @throws {Error} when something bundled is not pinned, or has no licence
 */
export async function inventory(
  architecture: 'x64' | 'arm64',
  hashes: ReadonlyMap<string, string>,
): Promise<Inventory> {
  const node = nodeComponents(architecture);
  const koffi = koffiComponents(architecture, hashes);
  const bundled = new Map(
    await Promise.all(PROGRAMS.map(async (program) => [program.name, await bundledPackages(program)] as const)),
  );
  const packages = npmComponents([...bundled.values()].flat());
  const probe = fileComponent('exec.bpf.o', 'GPL-2.0-only OR Apache-2.0', hashes);
  const libbpf: Component = {
    ref: LIBBPF,
    kind: 'library',
    name: LIBBPF,
    license: 'LGPL-2.1-only OR BSD-2-Clause',
    purl: `pkg:generic/${LIBBPF}`,
    purpose: '1.0 or newer, of the system. The helper loads it to load the probe.',
    shipped: false,
    contains: [],
    uses: [],
  };
  const nodeRef = node[0]?.ref ?? '';
  const programs = PROGRAMS.map(({ name }): Component => ({
    ...fileComponent(name, 'Apache-2.0', hashes),
    kind: 'application',
    contains: [nodeRef, ...(bundled.get(name) ?? []).map(refOf)],
    uses: USED[name] ?? [],
  }));
  const files = [...programs, ...koffi.slice(0, 1), probe];
  const product: Component = {
    ref: 'platform-probes',
    kind: 'application',
    name: 'platform-probes',
    version: VERSION,
    license: 'Apache-2.0',
    purl: `pkg:generic/platform-probes@${VERSION}`,
    shipped: true,
    contains: files.map(({ ref }) => ref),
    uses: [],
  };
  return { architecture, components: [product, ...files, ...koffi.slice(1), ...packages, ...node, libbpf] };
}

/** The npm packages that have code in a program. */
export async function bundledPackages(program: Program): Promise<LockedPackage[]> {
  const { inputs } = await bundle(program, 'linux');
  const folders = inputs.map(packageFolderOf).filter((folder) => folder !== undefined);
  if (program.page === true) folders.push(...PAGE_PACKAGES);
  return [...new Set(folders)].toSorted().map(lockedIn);
}

function npmComponents(packages: readonly LockedPackage[]): Component[] {
  const refs = new Map(packages.map((each) => [each.folder, refOf(each)]));
  const unique = new Map(packages.map((each) => [each.folder, each]));
  return [...unique.values()].map((each) => ({
    ...npmComponent(each),
    // Packages that the bundler left out are no part of the graph.
    uses: each.dependencies
      .map((name) => refs.get(resolveFrom(each.folder, name) ?? ''))
      .filter((ref) => ref !== undefined)
      .toSorted(),
  }));
}

function npmComponent(locked: LockedPackage): Component {
  if (locked.license === undefined) throw new Error(`package-lock.json names no licence for ${locked.folder}`);
  return {
    ref: refOf(locked),
    kind: 'library',
    name: locked.name,
    version: locked.version,
    license: locked.license,
    purl: purlOf(locked),
    archive: purlOf(locked),
    sha512: sha512Of(locked),
    shipped: true,
    contains: [],
    uses: [],
  };
}

/** Node.js, then the libraries in it. */
function nodeComponents(architecture: 'x64' | 'arm64'): Component[] {
  const locked = lockedIn(`node_modules/node-linux-${architecture}`);
  // The build runs under the same version, and that is what names the parts.
  if (process.versions.node !== locked.version)
    throw new Error(
      `this is Node.js ${process.versions.node}, and the programs contain ${locked.version}: run npm run package`,
    );
  const parts = nodeParts(process.versions).map((part): Component => ({
    ...part,
    ref: `node/${part.name}@${part.version}`,
    kind: 'library',
    shipped: true,
    contains: [],
    uses: [],
  }));
  const node: Component = {
    ...npmComponent(locked),
    kind: 'platform',
    name: 'node',
    cpe: cpeOf('nodejs:node.js', locked.version),
    // By this name scanners find what concerns Node.js; the archive's own is in the ref.
    purl: `pkg:generic/node@${locked.version}`,
    purpose: `The runtime inside of both programs, unchanged from ${locked.name} of npm.`,
    contains: parts.map(({ ref }) => ref),
  };
  return [node, ...parts];
}

/** The addon as it is installed, then the package that brings it, then the one whose code it is. */
function koffiComponents(architecture: 'x64' | 'arm64', hashes: ReadonlyMap<string, string>): Component[] {
  const addon = npmComponent(lockedIn(`node_modules/@koromix/koffi-linux-${architecture}`));
  const source = npmComponent(lockedIn('node_modules/koffi'));
  return [
    { ...fileComponent('koffi.node', addon.license, hashes), contains: [addon.ref] },
    {
      ...addon,
      purpose: 'The FFI addon. Nothing of the package except koffi.node is shipped.',
      contains: [source.ref],
    },
    { ...source, purpose: 'The source of the addon. None of its JavaScript is shipped.' },
  ];
}

/** An installed file, with the version of the product. */
function fileComponent(name: string, license: string, hashes: ReadonlyMap<string, string>): Component {
  const sha256 = hashes.get(name);
  return {
    ref: name,
    kind: 'file',
    name,
    version: VERSION,
    license,
    ...(sha256 === undefined ? {} : { sha256 }),
    shipped: true,
    contains: [],
    uses: [],
  };
}

const refOf = ({ name, version }: LockedPackage): string => `npm/${name}@${version}`;

const purlOf = ({ name, version }: LockedPackage): string => `pkg:npm/${name.replace('@', '%40')}@${version}`;

function sha512Of({ folder, integrity }: LockedPackage): string {
  const [, base64] = /^sha512-(\S+)$/u.exec(integrity) ?? [];
  if (base64 === undefined) throw new Error(`package-lock.json has no SHA-512 for ${folder}`);
  return Buffer.from(base64, 'base64').toString('hex');
}
