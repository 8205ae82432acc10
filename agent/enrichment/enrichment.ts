import type { ExecEvent, ExecFailedEvent } from '../../shared/events/exec.ts';
import { VersionCache } from './version-cache.ts';
import type { Digests, Lookups } from '../rules/fields/lookups.ts';
import { AccountNames, accountNamesHere } from './account-names.ts';
import type { ContainerFact, ContainerName } from '../containers/container.ts';
import { containerFactOf } from './containers/fact.ts';
import type { ContainerNames } from './containers/names.ts';
import { DigestCache, hashingBudget } from './digests.ts';
import { entityId } from '../events/entity-id.ts';
import { ImageCache } from './image-cache.ts';
import { imphash } from './imphash.ts';
import { LocalFiles } from './local-files.ts';
import { readerOf } from './pe-image.ts';
import { readRunningProcess } from './proc.ts';
import { ProcessTree } from './process-tree.ts';
import { UserNames } from './user-names.ts';

/** A process above the one that an event is about. */
export interface Ancestor {
  readonly pid: number;
  readonly entity_id?: string;
  readonly exe?: string;
  readonly command_line?: string;
}

/** An event that has a process and perhaps a parent. */
export type ProcessEvent = ExecEvent | ExecFailedEvent;

/** Fields that the agent adds to an alert. */
export interface Context {
  readonly entity_id?: string;
  readonly ancestors?: readonly Ancestor[];
  readonly container?: ContainerFact;
}

/** Names of integrity levels in Sysmon, and therefore in Sigma. */
const SIGMA_LEVELS: ReadonlyMap<string, string> = new Map([
  ['untrusted', 'Untrusted'],
  ['low', 'Low'],
  ['medium', 'Medium'],
  ['medium_plus', 'MediumPlus'],
  ['high', 'High'],
  ['system', 'System'],
  ['protected', 'Protected'],
]);

/** Finds facts that events do not carry. Lives as long as the agent and keeps its memory when rules change. */
export class Enrichment {
  readonly tree: ProcessTree;
  readonly #users: UserNames | undefined;
  readonly #groups: UserNames | undefined;
  readonly #accounts: AccountNames;
  readonly localFiles = new LocalFiles();
  readonly #digests: DigestCache | undefined;
  readonly #importHashes: ImageCache<string> | undefined;
  readonly #versions: VersionCache | undefined;
  #bootId: string | undefined;

  readonly #containerNames: Pick<ContainerNames, 'of'> | undefined;

  /**
   * @param live whether events come from this machine now: then its users, files and processes can be asked for
   * @param containerNames where names of containers are asked for; without it, events can tell them
   */
  constructor({ live, containerNames }: { live: boolean; containerNames?: Pick<ContainerNames, 'of'> }) {
    this.#containerNames = containerNames;
    this.tree = new ProcessTree(live && process.platform === 'linux' ? { askSystem: readRunningProcess } : {});
    this.#users = live ? new UserNames() : undefined;
    this.#groups = live ? new UserNames({ database: 'group' }) : undefined;
    this.#accounts = live ? accountNamesHere() : new AccountNames();
    const hashing = { local: this.localFiles, budget: hashingBudget() };
    this.#digests = live ? new DigestCache(hashing) : undefined;
    this.#importHashes = live
      ? new ImageCache({ ...hashing, maxBytes: Infinity, read: (descriptor) => imphash(readerOf(descriptor)) })
      : undefined;
    this.#versions = live && process.platform === 'win32' ? new VersionCache() : undefined;
  }

  /** Events from now on belong to this boot. */
  begin(bootId: string): void {
    if (this.#bootId !== undefined && this.#bootId !== bootId) this.tree.clear();
    this.#bootId = bootId;
  }

  /** Returns the look-ups with these names, and no others. */
  lookups(needed: ReadonlySet<keyof Lookups>): Lookups {
    return Object.fromEntries(Object.entries(this.#all()).filter(([name]) => needed.has(name as keyof Lookups)));
  }

  #all(): Lookups {
    const { tree } = this;
    const [users, digests, versions] = [this.#users, this.#digests, this.#versions];
    const importHashes = this.#importHashes;
    return {
      ...(users === undefined ? {} : { userName: (uid: number) => users.of(uid) }),
      ...(digests === undefined ? {} : { digests: (event: ExecEvent) => digests.of(event) }),
      ...(importHashes === undefined ? {} : { imphash: (event: ExecEvent) => importHashes.of(event) }),
      ...(versions === undefined
        ? {}
        : { versionInfo: (image: string) => (this.localFiles.has(image) ? versions.of(image) : undefined) }),
      accountName: (sid) => this.#accounts.of(sid),
      integrityLevel: ({ integrity_level: level }) =>
        level === undefined ? undefined : (SIGMA_LEVELS.get(level) ?? level),
      logonId: (event) => event.logon_id,
      container: (event) => this.containerOf(event),
      parentCommandLine: (event) => tree.parentOf(event)?.commandLine,
      parentUser: (event) => {
        const user = tree.parentOf(event)?.user;
        if (typeof user === 'string') return this.#accounts.of(user);
        return user === undefined ? undefined : (users?.of(user) ?? String(user));
      },
      grandParentImage: (event) => tree.ancestorsOf(event)[1]?.image,
      entityId: (event) => this.#entityId(event.pid, event.start_time),
      parentEntityId: ({ parent }) =>
        parent === undefined ? undefined : this.#entityId(parent.pid, parent.start_time),
    };
  }

  /** Further fields of an alert about the process. */
  contextOf(event: ExecEvent): Context {
    const id = this.entityIdOf(event);
    const ancestors = this.ancestorsOf(event);
    const container = this.containerOf(event);
    return {
      ...(id === undefined ? {} : { entity_id: id }),
      ...(ancestors.length === 0 ? {} : { ancestors }),
      ...(container === undefined ? {} : { container }),
    };
  }

  /** Parent, grandparent and so on, as far as they are known. */
  ancestorsOf(event: ProcessEvent): Ancestor[] {
    return this.tree.ancestorsOf(event).map(({ pid, startTime, image, commandLine }): Ancestor => {
      const ancestorId = this.#entityId(pid, startTime);
      return {
        pid,
        ...(ancestorId === undefined ? {} : { entity_id: ancestorId }),
        ...(image === undefined ? {} : { exe: image }),
        ...(commandLine === undefined ? {} : { command_line: commandLine }),
      };
    });
  }

  /** Names the process of an event; undefined where its boot or its start is not known. */
  entityIdOf({ pid, start_time: startTime }: ProcessEvent): string | undefined {
    return this.#entityId(pid, startTime);
  }

  /** The name of a user; on Windows of the account with a SID. Undefined where it is not known. */
  userNameOf(user: number | string): string | undefined {
    if (typeof user === 'number') return this.#users?.of(user);
    const name = this.#accounts.of(user);
    return name === user ? undefined : name;
  }

  groupNameOf(gid: number): string | undefined {
    return this.#groups?.of(gid);
  }

  /** Digests that rules have just computed for the image of this event; undefined if they did not ask. */
  digestsJustFound(event: ProcessEvent): Digests | undefined {
    return this.#digests?.justFound(event);
  }

  /** The container of the event's process, with its name where that is known by now. Undefined outside of containers. */
  containerOf(event: { readonly cgroup?: string }): ContainerFact | undefined {
    const container = containerFactOf(event);
    if (container === undefined) return undefined;
    const names = this.#containerNames;
    const name = names === undefined ? nameIn(event) : names.of(container);
    return name === undefined ? container : { ...container, ...name };
  }

  #entityId(pid: number, startTime: number | undefined): string | undefined {
    return this.#bootId === undefined || startTime === undefined ? undefined : entityId(this.#bootId, pid, startTime);
  }
}

/** The name of the container in a recorded event, where the agent that recorded it knew one. */
function nameIn(event: object): ContainerName {
  const { container } = event as { readonly container?: unknown };
  const { name, image } = (typeof container === 'object' && container !== null ? container : {}) as ContainerName;
  return {
    ...(typeof name === 'string' ? { name } : {}),
    ...(typeof image === 'string' ? { image } : {}),
  };
}
