import { podAbove, type QosClass } from './pod.ts';

/** The engine that made the container's control group, where the group's name tells. LXD and Incus name theirs as LXC does. */
type Runtime = 'docker' | 'containerd' | 'cri-o' | 'podman' | 'lxc' | 'systemd-nspawn';

/** The container of a process, as far as the path of its control group tells. */
export interface Container {
  /** 64 hexadecimal digits; of LXC and systemd-nspawn the container's name. */
  readonly id: string;
  readonly runtime?: Runtime;
  /** Kubernetes: the uid of the innermost pod around the container. Of a static pod, the hash of its manifest. */
  readonly pod_uid?: string;
  /** Kubernetes: the pod's class of quality of service. */
  readonly qos?: QosClass;
}

/** A container's name for people, as far as its engine says. */
export interface ContainerName {
  readonly name?: string;
  readonly image?: string;
}

/** The container of a process, as far as the agent knows: the field `container`. */
export type ContainerFact = Container & ContainerName;

type Found = Pick<Container, 'id' | 'runtime'>;

/** Prefixes of an id of 64 digits, by the engine that writes them. */
const ENGINES: ReadonlyMap<string, Runtime> = new Map([
  ['docker', 'docker'],
  ['cri-containerd', 'containerd'],
  ['nerdctl', 'containerd'],
  ['crio', 'cri-o'],
  ['libpod', 'podman'],
  ['libpod-payload', 'podman'],
]);

/** Groups right above an id that stands alone. containerd's are its namespaces, of ctr and of Kubernetes without a pod's group. */
const PARENTS: ReadonlyMap<string, Runtime> = new Map([
  ['docker', 'docker'],
  ['default', 'containerd'],
  ['k8s.io', 'containerd'],
]);

const ID = /^[0-9a-f]{64}$/;
const BUILD_STEP = /^[0-9a-z]{25}$/;
const SCOPE = '.scope';

/**
 * The innermost container that a control group belongs to. The engines' monitors (conmon, lxc.monitor, nspawn's supervisor)
 * have groups beside their containers and count as outside. Takes any text, in time that grows with its length alone.
 * @param cgroup the path, of cgroup v1 or v2; its beginning may be missing
 */
export function containerOf(cgroup: string): Container | undefined {
  const components = cgroup.split('/');
  for (let at = components.length - 1; at >= 0; at--) {
    const name = components[at]!;
    const [parent = '', grandparent = ''] = [components[at - 1], components[at - 2]];
    const found = byHexId(name, parent) ?? byName(name, parent) ?? ofBuild(name, parent, grandparent);
    if (found !== undefined) return { ...found, ...podAbove(components, at) };
  }
  return undefined;
}

/** `ID`, `docker-ID.scope`, `SLICE:cri-containerd:ID`: OCI runtimes, under both drivers of control groups. */
function byHexId(name: string, parent: string): Found | undefined {
  const bare = name.endsWith(SCOPE) ? name.slice(0, -SCOPE.length) : name;
  const id = bare.slice(-64);
  if (!ID.test(id)) return undefined;
  if (bare.length === 64) {
    // Podman's pods have groups of this form there; only a monitor can be right in one.
    if (parent === 'libpod_parent') return undefined;
    return known(id, PARENTS.get(parent));
  }
  const separator = bare.at(-65);
  if (separator !== '-' && separator !== ':') return undefined;
  const prefix = bare.slice(bare.lastIndexOf(':', bare.length - 66) + 1, -65);
  return prefix.endsWith('conmon') ? undefined : known(id, ENGINES.get(prefix));
}

function known(id: string, runtime: Runtime | undefined): Found {
  return runtime === undefined ? { id } : { id, runtime };
}

/** LXC 4 and newer, 3, and older; systemd-nspawn, started by hand or as a service. */
function byName(name: string, parent: string): Found | undefined {
  const payload = 'lxc.payload';
  if (name.startsWith(`${payload}.`) && name.length > payload.length + 1)
    return { id: name.slice(payload.length + 1), runtime: 'lxc' };
  if ((parent === payload || parent === 'lxc') && name !== '') return { id: name, runtime: 'lxc' };
  const machine = name === 'payload' ? machineOf(parent) : undefined;
  return machine === undefined ? undefined : { id: machine, runtime: 'systemd-nspawn' };
}

/** The machine of the unit that nspawn runs in: `machine-NAME.scope`, escaped as unit names are, or a service's instance. */
function machineOf(unit: string): string | undefined {
  if (unit.startsWith('machine-') && unit.endsWith(SCOPE)) {
    const escaped = unit.slice('machine-'.length, -SCOPE.length);
    return escaped === '' ? undefined : unescapeUnit(escaped);
  }
  const service = '.service';
  const at = unit.indexOf('@');
  if (!unit.endsWith(service) || !['systemd-nspawn', 'container'].includes(unit.slice(0, Math.max(at, 0))))
    return undefined;
  const instance = unit.slice(at + 1, -service.length);
  return instance === '' ? undefined : instance;
}

/** systemd.unit(5), "String escaping": `-` stands for `/`, which no machine has in its name, and `\x2d` for `-`. */
function unescapeUnit(text: string): string {
  return text.replace(/\\x([0-9a-f]{2})/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)));
}

/** A step of a build: Docker's BuildKit gives it an identifier of its own. */
function ofBuild(name: string, parent: string, grandparent: string): Found | undefined {
  const isStep = parent === 'buildkit' && grandparent === 'docker' && BUILD_STEP.test(name);
  return isStep ? { id: name, runtime: 'docker' } : undefined;
}
