import type { Correlation } from '../parse/correlation.ts';
import type { Metadata } from '../parse/metadata.ts';
import type { CorrelationDocument, DetectionDocument, Refused } from '../parse/rule.ts';
import { didYouMean } from '../../values/suggest.ts';
import type { RuleTests } from '../parse/rule-tests.ts';

/** A correlation whose references were found. */
export interface CorrelationRule extends Omit<Metadata, 'id'> {
  readonly id: string;
  readonly file: string;
  readonly line: number;
  readonly correlation: Correlation;
  /** The inputs that it counts, in order: identities of rules or of other correlations. */
  readonly inputs: readonly string[];
  /** For each alias and each input: the field that stands for it. */
  readonly fieldOf: (alias: string, input: number) => string;
  /** False for one that only feeds others. */
  readonly reports: boolean;
  readonly tests: RuleTests;
}

export interface Resolved {
  /** Each after those it refers to. */
  readonly correlations: readonly CorrelationRule[];
  /** Rules that a correlation uses and that do not report on their own (`generate: false`). */
  readonly silent: ReadonlySet<DetectionDocument>;
  readonly refused: readonly Refused[];
  /** Correlations over rules that are not in use. */
  readonly idle: readonly CorrelationDocument[];
}

type Target = CorrelationDocument | DetectionDocument;

/** Correlations over correlations: each is one call inside the last. */
export const MAX_CHAIN = 100;

/** Unknown names whose nearest known one is looked for: each is compared with all. */
const MAX_SUGGESTIONS = 100;

/**
 * Finds the rules that correlations refer to by id or name. One that refers to nothing, or to itself in a circle, is refused.
 * @param unused names of rules that were read but are not in use: a correlation over them is idle, not faulty
 */
export function resolveCorrelations(
  documents: readonly CorrelationDocument[],
  rules: readonly DetectionDocument[],
  unused: ReadonlySet<string>,
): Resolved {
  const byName = new Map<string, Target>();
  for (const document of [...rules, ...documents]) {
    for (const name of [document.title, document.name, document.id]) if (name !== undefined) byName.set(name, document);
  }
  const refused: Refused[] = [];
  const idle = new Set<CorrelationDocument>();
  let suggestions = MAX_SUGGESTIONS;
  const meant = (name: string): string => (suggestions-- > 0 ? didYouMean(name, byName.keys()) : '');
  const state = new Map<CorrelationDocument, 'under way' | 'good' | 'bad'>();
  const order: CorrelationDocument[] = [];
  const heights = new Map<CorrelationDocument, number>();
  const visit = (document: CorrelationDocument, depth: number): boolean => {
    const known = state.get(document);
    if (known !== undefined) return known === 'good';
    state.set(document, 'under way');
    const problems: Fault[] = [];
    let waits = false;
    const wrong = (message: string): void => void problems.push({ path: 'correlation.rules', message });
    let height = depth > MAX_CHAIN ? Infinity : 1;
    for (const name of depth > MAX_CHAIN ? [] : document.correlation.rules) {
      const target = byName.get(name);
      if (target === undefined && unused.has(name)) waits = true;
      else if (target === undefined) wrong(`there is no loaded rule "${name}"${meant(name)}`);
      else if (target.kind === 'correlation' && state.get(target) === 'under way')
        wrong(`"${name}" refers back to this correlation`);
      else if (target.kind === 'correlation' && !visit(target, depth + 1)) {
        if (idle.has(target)) waits = true;
        else wrong(`"${name}" was refused`);
      } else if (target.kind === 'correlation') height = Math.max(height, 1 + heights.get(target)!);
    }
    heights.set(document, height);
    if (height > MAX_CHAIN) wrong(`it belongs to a chain of more than ${MAX_CHAIN} correlations, each over the next`);
    if (problems.length === 0 && !waits) for (const fault of faultsOf(document, byName)) problems.push(fault);
    const good = problems.length === 0 && !waits;
    state.set(document, good ? 'good' : 'bad');
    if (good) order.push(document);
    else if (problems.length > 0) refused.push(refusal(document, problems));
    else idle.add(document);
    return good;
  };
  for (const document of documents) visit(document, 1);

  const silent = new Set<Target>();
  for (const { correlation } of order) {
    if (!correlation.generate) for (const name of correlation.rules) silent.add(byName.get(name)!);
  }
  return {
    correlations: order.map((document) => toRule(document, byName, !silent.has(document))),
    silent: silent as ReadonlySet<DetectionDocument>,
    refused,
    idle: [...idle],
  };
}

interface Fault {
  readonly path: string;
  readonly message: string;
}

function refusal({ file, line, title }: CorrelationDocument, faults: readonly Fault[]): Refused {
  return { file, title, problems: faults.map((fault) => ({ file, line, column: 1, ...fault })) };
}

/** Finds faults that only show once the rules are known. An alias for a rule that is not listed would leave the intended rule without one. */
function faultsOf(
  { correlation: { rules, aliases } }: CorrelationDocument,
  byName: ReadonlyMap<string, Target>,
): Fault[] {
  const targets = rules.map((name) => byName.get(name)!);
  const known = new Set(
    [...rules, ...targets.flatMap(({ name, id }) => [name, id])].filter((name) => name !== undefined),
  );
  const repeated = rules
    .filter((_, i) => targets.indexOf(targets[i]!) !== i)
    .map((name): Fault => ({ path: 'correlation.rules', message: `"${name}" is listed twice` }));
  const strange = [...aliases].flatMap(([alias, mapping]) =>
    [...mapping.keys()]
      .filter((name) => !known.has(name))
      .map((name): Fault => ({
        path: `correlation.aliases.${alias}`,
        message: `"${name}" is none of the rules of this correlation${didYouMean(name, known)}`,
      })),
  );
  return [...repeated, ...strange];
}

function toRule(document: CorrelationDocument, byName: ReadonlyMap<string, Target>, reports: boolean): CorrelationRule {
  const { kind: _kind, tests = [], ...rest } = document;
  const { rules, aliases } = document.correlation;
  const targets = rules.map((name) => byName.get(name)!);
  return {
    ...rest,
    id: identity(document),
    inputs: targets.map(identity),
    fieldOf: (alias, input) => {
      const mapping = aliases.get(alias);
      if (mapping === undefined) return alias;
      const { name, id } = targets[input]!;
      return mapping.get(rules[input]!) ?? mapping.get(name ?? '') ?? mapping.get(id ?? '') ?? alias;
    },
    reports,
    tests,
  };
}

const identity = ({ id, name, title }: Target): string => id ?? name ?? title;
