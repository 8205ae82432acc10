import path from 'node:path';

/** The agent's files, in a folder of its own. */
export interface AgentFiles {
  /** Events as JSON lines. */
  readonly events: string;
  /** Where `probes-agent status`, `tail` and `top` look into it. */
  readonly control: string;
}

export function agentFilesIn(folder: string): AgentFiles {
  return { events: path.join(folder, 'events.jsonl'), control: path.join(folder, 'control.sock') };
}

/**
 * The configuration of an agent that somebody tries out: a table in the terminal, starter rules at work, and the same events in a file.
 * Each part is a line or more of YAML, in which JSON's strings are valid.
 * @param socket the helper's
 * @param listen where a page for a browser is served; left out: none
 */
export function agentConfig(socket: string, { events, control }: AgentFiles, listen?: string): string {
  const parts = [
    `source: { socket: ${JSON.stringify(socket)} }`,
    // Hundreds of them would push what the starter says off the screen before it is read.
    'filters:',
    '  - name: programs that already ran',
    '    detection: { ran: { source: snapshot }, condition: ran }',
    '    action: drop',
    'rules: { builtin: true }',
    'outputs:',
    '  - { name: terminal, type: stdout }',
    `  - { name: events, type: file, path: ${JSON.stringify(events)}, max_bytes: 64MiB, max_files: 2 }`,
    // The agent's good news need not stand between the events.
    'log: { level: warn }',
    `control: { socket: ${JSON.stringify(control)} }`,
    ...(listen === undefined ? [] : [`dashboard: { listen: ${JSON.stringify(listen)} }`]),
  ];
  return `${parts.join('\n')}\n`;
}
