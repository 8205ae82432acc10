import type { ExecEvent } from '../../shared/events/exec.ts';
import { FLAG } from '../delivery/log/memory-segment.ts';
import { containerFactOf } from '../enrichment/containers/fact.ts';
import { Enrichment } from '../enrichment/enrichment.ts';
import { formatProblem } from '../problem.ts';
import type { RecentLine } from '../recent/recent.ts';
import { OverBudgetError } from '../rules/engine.ts';
import { incompleteFields } from '../rules/fields/incomplete.ts';
import { createMapper, fieldsReadBy, lookupsFor } from '../rules/fields/mapper.ts';
import { Filters, filtersOf } from '../rules/filter.ts';
import { hostPlatform } from '../values/platform.ts';
import { parseDuration } from '../values/quantities.ts';
import { readYaml } from '../yaml/read.ts';
import { plain } from '../yaml/node.ts';
import { MAX_CONTAINER_LENGTH, MAX_FILTER_LENGTH, MAX_RATE } from './limits.ts';

/** A request that asks for something that there is not. Its message is for whoever asked. */
export class SelectionError extends Error {
  override readonly name = 'SelectionError';
}

/** The lines that a reader wants, and how many. */
export interface Selection {
  /** Held lines from this time on, Unix milliseconds; undefined for new lines only. */
  readonly since: number | undefined;
  /** Whether new lines follow those that are held. */
  readonly follow: boolean;
  /** Events a second at most, alerts aside; undefined for all. */
  readonly rate: number | undefined;
  /** Whether alerts say why their rules matched. */
  readonly explain: boolean;
  readonly wants: (line: RecentLine) => boolean;
}

type Test = (event: Readonly<Record<string, unknown>>, line: RecentLine) => boolean;

const PARAMETERS = ['filter', 'rule', 'user', 'container', 'alerts', 'since', 'follow', 'rate', 'explain'];

/**
 * Reads what a request asks for; every parameter is optional, and all of them have to hold.
 * @throws {SelectionError} that names the parameter
 */
export function selectionOf(query: URLSearchParams, now: number = Date.now()): Selection {
  for (const name of new Set(query.keys())) {
    if (!PARAMETERS.includes(name)) throw new SelectionError(`${name}: there are ${PARAMETERS.join(', ')}`);
    if (query.getAll(name).length > 1) throw new SelectionError(`${name}: given more than once`);
  }
  const { onlyAlerts, tests } = testsOf(query);
  const since = query.get('since');
  const from = since === null ? undefined : now - durationOf('since', since);
  const rate = query.get('rate');
  return {
    since: from,
    follow: flagOf(query, 'follow', true),
    rate: rate === null ? undefined : integerOf('rate', rate, 1, MAX_RATE),
    explain: flagOf(query, 'explain', false),
    wants: (line) => {
      if (onlyAlerts && (line.flags & FLAG.alert) === 0) return false;
      if (tests.length === 0) return true;
      const event = JSON.parse(line.memory.toString('utf8', line.start, line.end)) as Record<string, unknown>;
      return tests.every((test) => test(event, line));
    },
  };
}

function testsOf(query: URLSearchParams): { onlyAlerts: boolean; tests: readonly Test[] } {
  const tests: Test[] = [];
  const [filter, rule, user, container] = ['filter', 'rule', 'user', 'container'].map((name) => query.get(name));
  if (typeof user === 'string') {
    const uid = integerOf('user', user, 0, 0xffff_ffff);
    tests.push((event) => event['uid'] === uid);
  }
  if (typeof container === 'string') tests.push(inContainer(container));
  if (typeof rule === 'string')
    tests.push((event) => rulesOf(event).some(({ id, title }) => id === rule || title === rule));
  if (typeof filter === 'string') tests.push(filterOf(filter));
  return { onlyAlerts: typeof rule === 'string' || flagOf(query, 'alerts', false), tests };
}

/**
 * Takes what begins a container's id or name, what begins a pod's uid, or the name of a runtime. An event of the helper has the first
 * as `container_id`, too.
 */
function inContainer(text: string): Test {
  if (text === '' || text.length > MAX_CONTAINER_LENGTH)
    throw new SelectionError(
      `container: expected the beginning of a container's id, name or pod uid, or a runtime, in 1 to ${MAX_CONTAINER_LENGTH} characters`,
    );
  return ({ cgroup, container_id: id }) => {
    if (typeof id === 'string' && id.startsWith(text)) return true;
    const container = typeof cgroup === 'string' ? containerFactOf({ cgroup }) : undefined;
    return (
      container !== undefined &&
      (container.id.startsWith(text) || container.pod_uid?.startsWith(text) === true || container.runtime === text)
    );
  };
}

function rulesOf({ rules }: Readonly<Record<string, unknown>>): Array<{ id?: unknown; title?: unknown }> {
  return Array.isArray(rules) ? (rules as Array<{ id?: unknown; title?: unknown }>) : [];
}

/**
 * A Sigma search, `Image|endswith: /curl`, or a whole detection with its `condition`. It sees the event alone: of the parent, it
 * knows what the event says.
 */
function filterOf(text: string): Test {
  if (text.length > MAX_FILTER_LENGTH) throw new SelectionError(`filter: longer than ${MAX_FILTER_LENGTH} characters`);
  const { documents, problems } = readYaml('filter', text);
  const [document] = documents;
  if (problems.length > 0 || document === undefined || documents.length > 1)
    throw new SelectionError(
      problems[0] === undefined
        ? 'filter: expected a Sigma search, such as Image|endswith: /curl'
        : formatProblem(problems[0]),
    );
  const value = plain(document);
  const isWhole = typeof value === 'object' && value !== null && Object.hasOwn(value, 'condition');
  const detection = isWhole ? value : { search: value, condition: 'search' };
  const { filters, problems: wrong } = filtersOf([{ name: 'filter', detection, action: 'keep' }], 'filter', 'filter');
  if (wrong.length > 0) throw new SelectionError(wrong.map(formatProblem).join('\n'));
  return compiled(new Filters(filters));
}

function compiled(filters: Filters): Test {
  const platform = hostPlatform();
  const fields = fieldsReadBy(filters);
  const lookups = new Enrichment({ live: false }).lookups(lookupsFor(platform, fields));
  const map = createMapper({ platform, fields, lookups });
  return (event) => {
    if (event['type'] !== 'exec') return false;
    const exec = event as unknown as ExecEvent;
    try {
      return filters.decide(map(exec), incompleteFields(exec)) !== undefined;
    } catch (error) {
      // It would take too long to say; whoever looks would rather see it.
      if (error instanceof OverBudgetError) return true;
      throw error;
    }
  };
}

function flagOf(query: URLSearchParams, name: string, byDefault: boolean): boolean {
  const text = query.get(name);
  if (text === null) return byDefault;
  if (text === '1' || text === '0') return text === '1';
  throw new SelectionError(`${name}: expected 1 or 0, got "${text}"`);
}

function integerOf(name: string, text: string, least: number, most: number): number {
  const value = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= least && value <= most) return value;
  throw new SelectionError(`${name}: expected a number from ${least} to ${most}, got "${text}"`);
}

function durationOf(name: string, text: string): number {
  const value = parseDuration(text);
  if (value !== undefined) return value;
  throw new SelectionError(`${name}: expected a duration with its unit: ms, s, m, h or d, such as 10m; got "${text}"`);
}
