// The manifests for Kubernetes: strictly against its types, built by kustomize, and in agreement with the image and the code.
import { spawnSync } from 'node:child_process';
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test from 'ava';
import { parseAllDocuments } from 'yaml';
import { IDS } from '../../installers/image/base.ts';
import { inCheckout, ROOT } from '../../installers/tools/root-folder.ts';
import { kustomize } from './support/kustomize.ts';

const FOLDER = inCheckout('installers/kubernetes');
const BUILDS = ['base', ...globSync('overlays/*', { cwd: FOLDER })].toSorted();

interface Resource {
  readonly apiVersion: string;
  readonly kind: string;
}

/** Where kubernetes-types has the type of each kind that is used here. */
const TYPES: Readonly<Record<string, string>> = {
  'v1 Namespace': 'core/v1',
  'v1 ServiceAccount': 'core/v1',
  'v1 ConfigMap': 'core/v1',
  'scheduling.k8s.io/v1 PriorityClass': 'scheduling/v1',
  'apps/v1 DaemonSet': 'apps/v1',
};

/**
 * Has the compiler check resources as literals of their types, in which it refuses an unknown key. (Kubernetes's own
 * OpenAPI allows them, and so does a server: it ignores a misspelt limit.)
 * @returns what the compiler found
 */
function faultsOf(resources: readonly Resource[]): string[] {
  const scratch = mkdtempSync(path.join(ROOT, 'build/kubernetes-'));
  try {
    const text = resources.map((resource, i) => {
      const name = `${resource.apiVersion} ${resource.kind}`;
      const module = TYPES[name];
      if (module === undefined) return `const r${i}: never = ${JSON.stringify(name)};`;
      const type = `import('kubernetes-types/${module}').${resource.kind}`;
      return `export const r${i}: ${type} = ${JSON.stringify(resource, undefined, 1)};`;
    });
    const file = path.join(scratch, 'resources.ts');
    writeFileSync(file, text.join('\n'));
    const tsc = inCheckout('node_modules/typescript/bin/tsc');
    const flags = '--noEmit --strict --module esnext --moduleResolution bundler --ignoreConfig --pretty false'.split(
      ' ',
    );
    const run = spawnSync(process.execPath, [tsc, ...flags, file], { cwd: ROOT, encoding: 'utf8' });
    if (run.status === 0) return [];
    return run.stdout.split('\n').filter((line) => line !== '');
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** Values that Kubernetes takes where the types say no more than `string`: core/v1 and apps/v1 of its API reference. */
const VALUES: ReadonlyArray<readonly [where: RegExp, values: readonly string[]]> = [
  [/\.imagePullPolicy$/u, ['Always', 'IfNotPresent', 'Never']],
  [/\.dnsPolicy$/u, ['ClusterFirst', 'ClusterFirstWithHostNet', 'Default', 'None']],
  [/\.(?:seccompProfile|appArmorProfile)\.type$/u, ['RuntimeDefault', 'Unconfined', 'Localhost']],
  [/\.updateStrategy\.type$/u, ['RollingUpdate', 'OnDelete']],
  [/\.hostPath\.type$/u, ['DirectoryOrCreate', 'Directory', 'File']],
  [/\.tolerations\.\d+\.operator$/u, ['Exists', 'Equal']],
  [/\.capabilities\.(?:add|drop)\.\d+$/u, ['ALL', 'BPF', 'PERFMON', 'SETUID', 'SETGID', 'SETPCAP']],
];

/** Every string of a resource with its place. */
function strings(value: unknown, at = ''): [string, string][] {
  if (typeof value === 'string') return [[at, value]];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, each]) => strings(each, `${at}.${key}`));
}

function wrongValues(resources: readonly Resource[]): string[] {
  return resources.flatMap((resource) =>
    strings(resource).flatMap(([at, value]) =>
      VALUES.some(([where, values]) => where.test(at) && !values.includes(value))
        ? [`${resource.kind}${at}: ${value}`]
        : [],
    ),
  );
}

const build = (folder: string): Resource[] => {
  const run = spawnSync(kustomize(), ['build', path.join(FOLDER, folder)], { encoding: 'utf8' });
  if (run.status !== 0) throw new Error(run.stderr);
  return parseAllDocuments(run.stdout).map((document) => document.toJS() as Resource);
};

for (const folder of BUILDS)
  test(`${folder}: kustomize builds it, and every key and value is one of Kubernetes`, (t) => {
    const resources = build(folder);
    t.deepEqual(resources.map(({ kind }) => kind).toSorted(), [
      'ConfigMap',
      'DaemonSet',
      'Namespace',
      'PriorityClass',
      'ServiceAccount',
    ]);
    t.deepEqual(faultsOf(resources), []);
    t.deepEqual(wrongValues(resources), []);
  });

for (const [what, from, to, message] of [
  ['a misspelt key', '"readOnlyRootFilesystem"', '"readOnlyRootFileSystem"', /readOnlyRootFileSystem/],
  [
    'a key at the wrong place',
    '"hostPID":true',
    '"hostPID":true,"privileged":true',
    /"privileged"' does not exist in type 'PodSpec'/,
  ],
  ['a wrong type', '"hostPID":true', '"hostPID":"yes"', /Type 'string' is not assignable to type 'boolean/],
  ['a key that is missing', '"mountPath":"/sys/fs/bpf",', '', /'mountPath' is missing/],
  ['an unknown kind', '"kind":"DaemonSet"', '"kind":"DeamonSet"', /apps\/v1 DeamonSet/],
] as const)
  test(`${what} is found`, (t) => {
    const text = JSON.stringify(build('base'));
    const wrong = text.replace(from, to);
    t.not(wrong, text);
    t.regex(faultsOf(JSON.parse(wrong) as Resource[]).join('\n'), message);
  });

test('a value that Kubernetes does not know is found', (t) => {
  const wrong = JSON.stringify(build('base')).replace('"RuntimeDefault"', '"RuntimeDefaul"');
  t.deepEqual(wrongValues(JSON.parse(wrong) as Resource[]), [
    'DaemonSet.spec.template.spec.containers.1.securityContext.seccompProfile.type: RuntimeDefaul',
  ]);
});

interface Container {
  name: string;
  command: string[];
  args?: string[];
  securityContext: {
    runAsUser: number;
    runAsGroup: number;
    privileged: boolean;
    allowPrivilegeEscalation: boolean;
    readOnlyRootFilesystem: boolean;
    capabilities: { add?: string[]; drop: string[] };
  };
  volumeMounts: { name: string; mountPath: string }[];
}
interface DaemonSet extends Resource {
  spec: {
    template: { spec: { containers: Container[]; volumes: { name: string }[]; automountServiceAccountToken: boolean } };
  };
}

const podOf = (folder: string) =>
  (build(folder).find(({ kind }) => kind === 'DaemonSet') as DaemonSet).spec.template.spec;

test('the two containers have the users of the image, and no more than they need', (t) => {
  const { containers, automountServiceAccountToken, volumes } = podOf('base');
  const [helper, agent] = containers;
  t.is(automountServiceAccountToken, false);
  t.deepEqual(
    containers.map(({ name, securityContext: { runAsUser, runAsGroup } }) => [name, runAsUser, runAsGroup]),
    [
      ['helper', 0, IDS.probes],
      ['agent', IDS.agent, IDS.probes],
    ],
  );
  for (const { securityContext } of containers) {
    t.false(securityContext.privileged);
    t.false(securityContext.allowPrivilegeEscalation);
    t.true(securityContext.readOnlyRootFilesystem);
    t.deepEqual(securityContext.capabilities.drop, ['ALL']);
  }
  t.is(agent?.securityContext.capabilities.add, undefined);
  // test/integration/capabilities.test.ts runs the helper with these, and without each of them.
  const tried = /const NEEDED = \{(.*)\}/u.exec(
    readFileSync(inCheckout('test/integration/capabilities.test.ts'), 'utf8'),
  )?.[1];
  t.deepEqual(
    helper?.securityContext.capabilities.add,
    [...(tried ?? '').matchAll(/(\w+):/gu)].map((match) => match[1]),
  );
  const mounted = containers.flatMap(({ volumeMounts }) => volumeMounts.map(({ name }) => name));
  t.deepEqual([...new Set(mounted)].toSorted(), volumes.map(({ name }) => name).toSorted());
});

for (const folder of BUILDS)
  test(`${folder}: helper and agent agree about the socket, and the agent takes its configuration`, (t) => {
    const resources = build(folder);
    const helper = podOf(folder).containers.find(({ name }) => name === 'helper');
    const socket = helper?.args?.find((each) => each.startsWith('--socket='))?.slice('--socket='.length) ?? '';
    const { data } = resources.find(({ kind }) => kind === 'ConfigMap') as Resource & { data: Record<string, string> };
    const text = data['agent.yaml'] ?? '';
    const scratch = mkdtempSync(path.join(ROOT, 'build/kubernetes-'));
    t.teardown(() => rmSync(scratch, { recursive: true, force: true }));
    const file = path.join(scratch, 'agent.yaml');
    writeFileSync(file, text);
    const run = spawnSync(process.execPath, [inCheckout('agent/main.ts'), 'check', '--config', file, '--json'], {
      encoding: 'utf8',
    });
    t.is(run.status, 0, run.stdout + run.stderr);
    t.true(text.includes(`socket: ${socket}\n`));
  });

test('the image that the base names is of this version', (t) => {
  const [text] = podOf('base').containers.map((each) => (each as unknown as { image: string }).image);
  const { version } = JSON.parse(readFileSync(inCheckout('package.json'), 'utf8')) as { version: string };
  t.is(text, `localhost/platform-probes:${version}`);
});
