import type { Position } from '../index/literal.ts';
import type { LiteralAtom } from './atoms.ts';

/**
 * How often an atom is likely to be true, as a share of events. Only the
 * order depends on these numbers: a wrong guess costs time, never an answer.
 */
export function likelihood({ subject, position, texts }: LiteralAtom): number {
  const share = texts.reduce((sum, text) => sum + literalShare(text, position), 0);
  return share + (own(FIELD_COST, subject.field ?? '') ?? (subject.field === null ? 2 : 0.1));
}

/** A rule may name a field, or look for a text, that every object inherits. */
function own(shares: Readonly<Record<string, number>>, name: string): number | undefined {
  return Object.hasOwn(shares, name) ? shares[name] : undefined;
}

/** Cost of reading and indexing a field, in the same unit: fields that most rules need are free. */
const FIELD_COST: Readonly<Record<string, number>> = {
  Image: 0,
  CommandLine: 0,
  OriginalFileName: 0.001,
  ParentImage: 0.01,
  User: 0.02,
  IntegrityLevel: 0.3,
  ParentCommandLine: 0.08,
};

function literalShare(text: string, position: Position): number {
  const common = own(COMMON, text.replace(/^[\\/]/, ''));
  if (position === 'prefix') return text.length < 12 ? 0.5 : 0.1;
  if (position !== 'contains') return common ?? (text.length < 4 ? 0.1 : 0.002);
  return common ?? Math.min(0.9, 1.2 * 0.62 ** text.length);
}

/** Programs and words that start, or are started, all the time. */
const COMMON: Readonly<Record<string, number>> = {
  'cmd.exe': 0.06,
  'powershell.exe': 0.06,
  'pwsh.exe': 0.01,
  'svchost.exe': 0.08,
  'rundll32.exe': 0.02,
  'conhost.exe': 0.06,
  'explorer.exe': 0.04,
  'services.exe': 0.05,
  'reg.exe': 0.01,
  'net.exe': 0.01,
  'sc.exe': 0.01,
  'schtasks.exe': 0.01,
  'wmic.exe': 0.01,
  'msiexec.exe': 0.01,
  'bash': 0.2,
  'sh': 0.2,
  'dash': 0.1,
  'zsh': 0.05,
  'python': 0.04,
  'python3': 0.04,
  'perl': 0.02,
  'cat': 0.05,
  'grep': 0.06,
  'sed': 0.04,
  'awk': 0.04,
  'ls': 0.03,
  'find': 0.03,
  'curl': 0.02,
  'node': 0.05,
  'git': 0.03,
  '.exe': 0.95,
  '.dll': 0.2,
  'windows': 0.7,
  'system32': 0.6,
  'c:\\': 0.9,
  'c:\\windows': 0.7,
  'powershell': 0.1,
  'program': 0.3,
  'users': 0.2,
  '/bin/': 0.5,
  '/usr/': 0.5,
  'http': 0.06,
  'http://': 0.03,
  'https://': 0.03,
  ' -c ': 0.1,
  ' -e': 0.1,
};
