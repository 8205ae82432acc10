/** MITRE ATT&CK, Enterprise matrix: the tactics by the names that Sigma's tags give them. Version 19 split `defense-evasion` in two. */
const TACTICS: ReadonlyMap<string, readonly [id: string, name: string]> = new Map([
  ['reconnaissance', ['TA0043', 'Reconnaissance']],
  ['resource-development', ['TA0042', 'Resource Development']],
  ['initial-access', ['TA0001', 'Initial Access']],
  ['execution', ['TA0002', 'Execution']],
  ['persistence', ['TA0003', 'Persistence']],
  ['privilege-escalation', ['TA0004', 'Privilege Escalation']],
  ['defense-evasion', ['TA0005', 'Defense Evasion']],
  ['stealth', ['TA0005', 'Stealth']],
  ['defense-impairment', ['TA0112', 'Defense Impairment']],
  ['credential-access', ['TA0006', 'Credential Access']],
  ['discovery', ['TA0007', 'Discovery']],
  ['lateral-movement', ['TA0008', 'Lateral Movement']],
  ['collection', ['TA0009', 'Collection']],
  ['command-and-control', ['TA0011', 'Command and Control']],
  ['exfiltration', ['TA0010', 'Exfiltration']],
  ['impact', ['TA0040', 'Impact']],
]);

const PREFIX = 'attack.';
const TECHNIQUE = /^t\d{4}(?:\.\d{3})?$/u;

/** Tactics and techniques of ATT&CK in the tags of rules, each once. */
export interface Attack {
  readonly tactics: readonly { readonly id: string; readonly name: string }[];
  /** `T1059`; that of a sub-technique too. */
  readonly techniques: readonly string[];
  /** `T1059.004`. */
  readonly subTechniques: readonly string[];
}

/** Reads tags such as `attack.execution` and `attack.t1059.004`. Others are left alone: they stay with the rules. */
export function attackOf(rules: readonly { readonly tags?: readonly string[] }[]): Attack {
  const tactics = new Map<string, { id: string; name: string }>();
  const techniques = new Set<string>();
  const subTechniques = new Set<string>();
  for (const { tags = [] } of rules)
    for (const tag of tags) {
      const word = tag.toLowerCase();
      if (!word.startsWith(PREFIX)) continue;
      const rest = word.slice(PREFIX.length);
      const tactic = TACTICS.get(rest.replaceAll('_', '-'));
      if (tactic !== undefined) tactics.set(tactic.join(), { id: tactic[0], name: tactic[1] });
      if (!TECHNIQUE.test(rest)) continue;
      techniques.add(rest.slice(0, 5).toUpperCase());
      if (rest.length > 5) subTechniques.add(rest.toUpperCase());
    }
  return { tactics: [...tactics.values()], techniques: [...techniques], subTechniques: [...subTechniques] };
}
