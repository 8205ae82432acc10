/** A deviation from the shipped or intended state. Codes are stable. */
export interface Finding {
  readonly code: string;
  /** Says what is wrong, where, and what to do. */
  readonly message: string;
}

/** The facts and findings of one part of the audit. */
export interface Section {
  readonly title: string;
  readonly facts: Readonly<Record<string, unknown>>;
  readonly findings: readonly Finding[];
}

export function renderJson(sections: readonly Section[]): string {
  const findings = sections.flatMap((section) => section.findings);
  const facts = Object.fromEntries(sections.map((section) => [section.title, section.facts]));
  return `${JSON.stringify({ ok: findings.length === 0, findings, ...facts }, undefined, 2)}\n`;
}

export function renderText(sections: readonly Section[]): string {
  const lines: string[] = [];
  for (const { title, facts, findings } of sections) {
    lines.push(title);
    for (const [name, value] of Object.entries(facts)) {
      const items = Array.isArray(value) ? value.map(show) : [show(value)];
      lines.push(
        `  ${name.padEnd(18)} ${items[0] ?? 'none'}`,
        ...items.slice(1).map((item) => `  ${''.padEnd(18)} ${item}`),
      );
    }
    for (const { code, message } of findings) lines.push(`  FINDING ${code}: ${message}`);
    lines.push('');
  }
  const count = sections.reduce((sum, section) => sum + section.findings.length, 0);
  lines.push(count === 0 ? 'No findings.' : `${count} finding${count === 1 ? '' : 's'}.`);
  return `${lines.join('\n')}\n`;
}

function show(value: unknown): string {
  if (typeof value !== 'object' || value === null) return String(value);
  return Object.entries(value)
    .map(([name, item]) => `${name}=${String(item)}`)
    .join(' ');
}
