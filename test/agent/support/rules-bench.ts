import { mkdirSync, writeFileSync } from 'node:fs';
import { Workplace } from './agent-process.ts';

/** A folder with rules, and a file of events for `match`. */
export class RulesBench extends Workplace {
  readonly rules = this.path('rules');

  /** @param rules texts of rule files, by name */
  constructor(rules: Readonly<Record<string, string>>) {
    super();
    mkdirSync(this.rules);
    for (const [name, text] of Object.entries(rules)) writeFileSync(`${this.rules}/${name}`, text);
  }

  /** Writes events as lines; a string is a line as it stands. @returns the file's path */
  events(...events: unknown[]): string {
    writeFileSync(
      this.path('events'),
      events.map((event) => (typeof event === 'string' ? event : JSON.stringify(event))).join('\n'),
    );
    return this.path('events');
  }
}
