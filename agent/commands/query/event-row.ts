import { isObject } from '../../../shared/events/fields.ts';

/** The columns of events in a table. */
export const EVENT_HEADER = ['TIME', 'UID', 'PID', 'COMMAND'] as const;

/** A stored line as cells of that table. */
export function eventRow(line: string, indent = ''): string[] {
  const event = JSON.parse(line) as Record<string, unknown>;
  return [timeOf(event), textOf(event['uid']), textOf(event['pid']), `${indent}${notesOf(event)}${whatOf(event)}`];
}

function whatOf(event: Record<string, unknown>): string {
  const { type, command } = event;
  switch (type) {
    case 'exec':
      return textOf(command);
    case 'exec_failed':
      return `${textOf(command)} (failed: ${textOf(event['error'])})`;
    case 'fork':
      return `(a fork of ${textOf(event['exe'] ?? event['comm'])})`;
    case 'exit':
      return event['signal'] === undefined
        ? `ended with status ${textOf(event['exit_code'])}`
        : `ended by ${textOf(event['signal'])}`;
    case 'gap':
      return `!!! ${textOf(event['count'])} EVENTS MISSING: numbers ${textOf(event['first'])} to ${textOf(event['last'])}, lost at ${textOf(event['hop'])} (${textOf(event['cause'])})`;
    default:
      return `${textOf(type)} ${JSON.stringify(event)}`;
  }
}

/** The rules that an alert matched, in front of its command, which can be long. */
function notesOf({ rules }: Record<string, unknown>): string {
  if (!Array.isArray(rules)) return '';
  return rules
    .filter(isObject)
    .map(({ level, title }) => `[${textOf(level ?? 'alert').toUpperCase()}: ${textOf(title)}] `)
    .join('');
}

/** In this machine's zone, to the second. */
function timeOf({ time }: Record<string, unknown>): string {
  const at = new Date(textOf(time));
  if (Number.isNaN(at.getTime())) return '-';
  return new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 19).replace('T', ' ');
}

function textOf(value: unknown): string {
  if (value === undefined || value === null) return '-';
  return typeof value === 'object' ? JSON.stringify(value) : String(value as string | number | boolean);
}
