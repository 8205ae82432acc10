import { writeSync } from 'node:fs';
import { styleText } from 'node:util';
import { pino, type DestinationStream, type Logger } from 'pino';
import { neutralise } from './terminal-text.ts';

/**
 * The levels: info, a requested change took effect; warn, a surprise without
 * loss; error, events were lost or a person must act. Per-event messages are
 * never above debug.
 */
export type LogLevel = 'debug' | 'info' | 'warn' | 'error';
export type Log = Logger;

const STANDARD_ERROR = 2;

/**
 * The agent's own log. Never carries events.
 * @param destination gets each line as JSON; by default standard error, as one-liners on a terminal
 */
export function createLog(level: LogLevel, destination: DestinationStream = standardError()): Log {
  return pino(
    {
      name: 'probes-agent',
      level,
      base: { pid: process.pid },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    destination,
  );
}

function standardError(): DestinationStream {
  if (process.stderr.isTTY) return { write: (line: string) => writeToTerminal(formatForTerminal(line)) };
  return pino.destination({ dest: STANDARD_ERROR, sync: true });
}

function writeToTerminal(line: string): void {
  try {
    writeSync(STANDARD_ERROR, line);
  } catch {
    // Standard error has no reader any more, and the log has no other destination.
  }
}

const OWN_FIELDS = new Set(['level', 'time', 'pid', 'name', 'msg', 'event']);
const COLOURS = { debug: 'gray', info: 'green', warn: 'yellow', error: 'red' } as const;

/** Formats one JSON line of the log for people: time, level, message, fields. */
export function formatForTerminal(json: string): string {
  const record = JSON.parse(json) as Record<string, unknown>;
  const level = String(record['level']) as LogLevel;
  const time = new Date(String(record['time'])).toTimeString().slice(0, 8);
  const fields = Object.entries(record)
    .filter(([key]) => !OWN_FIELDS.has(key))
    .map(([key, value]) => `${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join(' ');
  const label = styleText(COLOURS[level], level.padEnd(5), { stream: process.stderr });
  const text = neutralise(`${String(record['msg'])}${fields === '' ? '' : `  ${fields}`}`);
  return `${time} ${label} ${text}\n`;
}
