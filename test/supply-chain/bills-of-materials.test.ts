import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { isSupportedSpdxId } from '@cyclonedx/cyclonedx-library/SPDX';
import { Ajv, type ValidateFunction } from 'ajv';
import test from 'ava';
import packageLock from '../../package-lock.json' with { type: 'json' };
import { bundle } from '../../installers/programs/bundle.ts';
import { sha256 } from '../../installers/programs/manifest.ts';
import { PROGRAMS } from '../../installers/programs/programs.ts';
import { cycloneDx } from '../../installers/supply-chain/cyclonedx.ts';
import { inventory } from '../../installers/supply-chain/inventory.ts';
import { packageFolderOf, resolveFrom } from '../../installers/supply-chain/lockfile.ts';
import { cpeOf, nodeParts } from '../../installers/supply-chain/node-parts.ts';
import { spdx } from '../../installers/supply-chain/spdx.ts';
import { EPOCH, Papers, PAYLOAD } from './support.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
const read = (file: string): unknown => JSON.parse(readFileSync(file, 'utf8')) as unknown;

interface Hash {
  readonly alg: string;
  readonly content: string;
}
interface CycloneDxComponent {
  readonly 'bom-ref': string;
  readonly 'name': string;
  readonly 'version'?: string;
  readonly 'purl'?: string;
  readonly 'hashes'?: readonly Hash[];
  readonly 'licenses': ReadonlyArray<{ readonly license?: { readonly id: string }; readonly expression?: string }>;
  readonly 'properties'?: ReadonlyArray<{ readonly name: string; readonly value: string }>;
}
interface CycloneDxBom {
  readonly serialNumber: string;
  readonly metadata: { readonly timestamp: string; readonly component: CycloneDxComponent };
  readonly components: readonly CycloneDxComponent[];
  readonly dependencies: ReadonlyArray<{ readonly ref: string; readonly dependsOn: readonly string[] }>;
}
interface SpdxPackage {
  readonly SPDXID: string;
  readonly name: string;
  readonly versionInfo?: string;
  readonly licenseDeclared: string;
  readonly checksums?: ReadonlyArray<{ readonly algorithm: string; readonly checksumValue: string }>;
  readonly externalRefs?: ReadonlyArray<{ readonly referenceType: string; readonly referenceLocator: string }>;
}
interface SpdxDocument {
  readonly documentNamespace: string;
  readonly packages: readonly SpdxPackage[];
  readonly relationships: ReadonlyArray<{
    readonly spdxElementId: string;
    readonly relationshipType: string;
    readonly relatedSpdxElement: string;
  }>;
}

const HASHES = new Map(PAYLOAD.map(({ path: name, data }) => [path.basename(name), sha256(data!)]));
const CONTENTS = await inventory('x64', HASHES);
const BOM = JSON.parse(cycloneDx(CONTENTS, EPOCH)) as CycloneDxBom;
const SPDX = JSON.parse(spdx(CONTENTS, EPOCH)) as SpdxDocument;
const ALL = [BOM.metadata.component, ...BOM.components];

/** The official schemas, as the library of the format's authors brings them. Formats of text are not checked. */
const SCHEMAS = path.join(ROOT, 'node_modules/@cyclonedx/cyclonedx-library/res/schema');
const schema = (name: string): object => read(path.join(SCHEMAS, `${name}.SNAPSHOT.schema.json`)) as object;

function cycloneDxValidator(): ValidateFunction {
  const ajv = new Ajv({ strict: false, validateFormats: false });
  for (const name of ['spdx', 'jsf-0.82', 'cryptography-defs'])
    ajv.addSchema(schema(name), `http://cyclonedx.org/schema/${name}.SNAPSHOT.schema.json`);
  return ajv.compile(schema('bom-1.6'));
}

test('the list is valid CycloneDX 1.6, by the official schema', (t) => {
  const validate = cycloneDxValidator();
  t.true(validate(BOM), JSON.stringify(validate.errors));
  t.false(validate({ ...BOM, serialNumber: 'x' }));
  t.false(validate({ ...BOM, components: [{ type: 'library', name: 'x', licenses: [{ license: { id: 'No' } }] }] }));
});

// It is not part of the project; no package of npm brings it.
const SPDX_SCHEMA = path.resolve(ROOT, '../shared/data/schemas/spdx-2.3.schema.json');
const spdxTest = existsSync(SPDX_SCHEMA) ? test : test.skip;

spdxTest(
  `${existsSync(SPDX_SCHEMA) ? '' : `[skipped: ${SPDX_SCHEMA} is absent] `}the list is valid SPDX 2.3, by the official schema`,
  (t) => {
    const validate = new Ajv({ strict: false, validateFormats: false }).compile(read(SPDX_SCHEMA) as object);
    t.true(validate(SPDX), JSON.stringify(validate.errors));
    t.false(validate({ ...SPDX, packages: [{ name: 'x' }] }));
  },
);

test('SPDX has what its specification wants: identifiers that are unique and lead somewhere, licences of its list', (t) => {
  const ids = SPDX.packages.map(({ SPDXID }) => SPDXID);
  t.is(new Set(ids).size, ids.length);
  for (const id of ids) t.regex(id, /^SPDXRef-[A-Za-z0-9.-]+$/u);
  for (const { spdxElementId, relationshipType, relatedSpdxElement } of SPDX.relationships) {
    t.true(ids.includes(relatedSpdxElement), relatedSpdxElement);
    t.true(spdxElementId === 'SPDXRef-DOCUMENT' || ids.includes(spdxElementId), spdxElementId);
    t.true(['DESCRIBES', 'CONTAINS', 'DEPENDS_ON'].includes(relationshipType));
  }
  for (const { licenseDeclared, name } of SPDX.packages)
    for (const id of licenseDeclared.split(/ (?:OR|AND) /u)) t.true(isSupportedSpdxId(id), `${name}: ${id}`);
  for (const { checksums = [], name } of SPDX.packages)
    for (const { algorithm, checksumValue } of checksums)
      t.regex(checksumValue, algorithm === 'SHA256' ? /^[0-9a-f]{64}$/u : /^[0-9a-f]{128}$/u, name);
});

test('both lists hold the same components', (t) => {
  t.deepEqual(
    SPDX.packages.map(({ name, versionInfo, externalRefs = [] }) => [
      name,
      versionInfo,
      externalRefs.find(({ referenceType }) => referenceType === 'purl')?.referenceLocator,
    ]),
    ALL.map(({ name, version, purl }) => [name, version, purl]),
  );
});

test('everything can be reached from the product, in both graphs', (t) => {
  const reach = (
    from: string,
    edges: ReadonlyArray<readonly [string, string]>,
    seen = new Set<string>(),
  ): Set<string> => {
    if (!seen.has(from)) {
      seen.add(from);
      for (const [a, b] of edges) if (a === from) reach(b, edges, seen);
    }
    return seen;
  };
  const inBom = BOM.dependencies.flatMap(({ ref, dependsOn }) => dependsOn.map((to) => [ref, to] as const));
  t.deepEqual([...reach('platform-probes', inBom)].toSorted(), ALL.map((each) => each['bom-ref']).toSorted());
  const inSpdx = SPDX.relationships.map(
    ({ spdxElementId, relatedSpdxElement }) => [spdxElementId, relatedSpdxElement] as const,
  );
  t.is(reach('SPDXRef-DOCUMENT', inSpdx).size, SPDX.packages.length + 1);
});

test('every npm package with code in a program is listed, with version and hash of the lockfile, under that program', async (t) => {
  const lock = packageLock.packages as Readonly<Record<string, { version: string; integrity?: string }>>;
  for (const program of PROGRAMS) {
    const { inputs } = await bundle(program, 'linux');
    const folders = new Set(inputs.filter((file) => file.includes('node_modules/')).map(packageFolderOf));
    const inside = BOM.dependencies.find(({ ref }) => ref === program.name)?.dependsOn ?? [];
    for (const folder of folders) {
      const name = folder!.slice('node_modules/'.length);
      const { version, integrity } = lock[folder!]!;
      const found = ALL.find((each) => each.purl === `pkg:npm/${name.replace('@', '%40')}@${version}`);
      const [sha512] = found?.hashes ?? [];
      t.is(`sha512-${Buffer.from(sha512?.content ?? '', 'hex').toString('base64')}`, integrity!, name);
      t.true(inside.includes(found!['bom-ref']), `${name} in ${program.name}`);
    }
    t.is(folders.size > 10, program.name === 'probes-agent');
  }
});

test('Node.js is in both programs, with every library that it names', (t) => {
  const node = ALL.find(({ name }) => name === 'node');
  t.is(node?.version, process.versions.node);
  const parts = BOM.dependencies.find(({ ref }) => ref === node?.['bom-ref'])?.dependsOn ?? [];
  for (const name of ['openssl', 'v8', 'zlib'] as const)
    t.true(parts.includes(`node/${name}@${process.versions[name]}`), name);
  const versions = new Set(ALL.map(({ version }) => version));
  const data = ['modules', 'napi', 'cldr', 'tz', 'unicode', 'nbytes', 'ncrypto'];
  for (const [name, version] of Object.entries(process.versions))
    if (!data.includes(name) && version !== '') t.true(versions.has(version), `${name} ${version}`);
  for (const { name } of PROGRAMS)
    t.true(BOM.dependencies.find(({ ref }) => ref === name)!.dependsOn.includes(node!['bom-ref']), name);
});

test('a library of Node.js that is not known stops the build', (t) => {
  t.throws(() => nodeParts({ node: '99.0.0', blake: '1.0' }), { message: /"blake" 1\.0.*node-parts\.ts/u });
});

test('the list of the other architecture differs in what is built for it, and in nothing else', async (t) => {
  const other = (await inventory('arm64', HASHES)).components.map(({ ref }) => ref.replace('linux-arm64', 'linux-x64'));
  t.deepEqual(
    other,
    CONTENTS.components.map(({ ref }) => ref),
  );
});

test('libbpf is listed as what the system brings', (t) => {
  const libbpf = ALL.find(({ name }) => name === 'libbpf');
  t.deepEqual(libbpf?.properties, [{ name: 'platform-probes:shipped', value: 'false' }]);
  t.true(BOM.dependencies.find(({ ref }) => ref === 'probes-helper')?.dependsOn.includes('libbpf'));
  t.is(ALL.filter(({ properties }) => properties?.some(({ name }) => name.endsWith(':shipped'))).length, 1);
});

test('hashes of programs are those of the installed files', async (t) => {
  using papers = await Papers.write();
  const bom = read(
    path.join(papers.folder, `platform-probes-${BOM.metadata.component.version}-linux-x64.cdx.json`),
  ) as CycloneDxBom;
  for (const { path: file, data } of PAYLOAD) {
    const component = bom.components.find(({ name }) => name === path.basename(file));
    t.deepEqual(component?.hashes, [{ alg: 'SHA-256', content: sha256(data!) }], file);
  }
});

test('the same contents give the same bytes, others another serial number and namespace', async (t) => {
  t.is(cycloneDx(await inventory('x64', HASHES), EPOCH), cycloneDx(CONTENTS, EPOCH));
  t.is(spdx(await inventory('x64', HASHES), EPOCH), spdx(CONTENTS, EPOCH));
  const other = await inventory('x64', new Map([...HASHES, ['koffi.node', '0'.repeat(64)]]));
  t.not((JSON.parse(cycloneDx(other, EPOCH)) as CycloneDxBom).serialNumber, BOM.serialNumber);
  t.not((JSON.parse(spdx(other, EPOCH)) as SpdxDocument).documentNamespace, SPDX.documentNamespace);
  t.is(BOM.metadata.timestamp, new Date(EPOCH * 1000).toISOString().replace('.000', ''));
});

test('npm lists the same packages with the same hashes, among others', (t) => {
  const { stdout, stderr } = spawnSync('npm', ['sbom', '--package-lock-only', '--sbom-format', 'cyclonedx'], {
    cwd: ROOT,
    encoding: 'utf8',
    maxBuffer: 64 << 20,
  });
  t.true(stdout.startsWith('{'), stderr);
  const theirs = (JSON.parse(stdout) as CycloneDxBom).components;
  const ours = ALL.filter(({ 'bom-ref': ref }) => ref.startsWith('npm/') && !ref.startsWith('npm/node-linux'));
  t.true(ours.length > 10);
  for (const { purl, hashes } of ours)
    t.deepEqual(theirs.find((each) => each.purl === purl)?.hashes, hashes as Hash[], purl);
});

test('a package is found from where it is used, as Node.js finds it', (t) => {
  t.is(packageFolderOf('node_modules/a/lib/x.js'), 'node_modules/a');
  t.is(packageFolderOf('node_modules/@s/a/node_modules/b/x.js'), 'node_modules/@s/a/node_modules/b');
  t.is(packageFolderOf('agent/main.ts'), undefined);
  t.is(resolveFrom('node_modules/pino', 'sonic-boom'), 'node_modules/sonic-boom');
  t.is(resolveFrom('node_modules/pino', 'there-is-no-such'), undefined);
});

test('punctuation of a version is escaped in a CPE', (t) => {
  t.is(cpeOf('a:b', '1.2-x+y'), String.raw`cpe:2.3:a:a:b:1.2-x\+y:*:*:*:*:*:*:*`);
});
