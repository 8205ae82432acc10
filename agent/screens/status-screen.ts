import type { AgentStatus } from '../client/status.ts';
import { neutralise } from '../terminal-text.ts';
import { cutTo, padTo } from '../terminal/columns.ts';
import type { Paint } from '../terminal/paint.ts';
import { sparkline } from '../terminal/sparkline.ts';
import { wrap } from '../terminal/wrap.ts';
import { styleOfLevel } from '../view/live-view.ts';
import { formatBytes, formatCount, formatRate, formatSeconds } from '../view/quantities.ts';
import { textTable } from '../view/text-table.ts';

export interface ScreenOptions {
  readonly columns: number;
  readonly paint: Paint;
  readonly isUtf8: boolean;
  /** Unix milliseconds. */
  readonly now: number;
}

const LABEL_WIDTH = 9;
const LONGEST_LIST = 8;

/** Seconds over which the rate "now" is taken. */
const NOW_SECONDS = 5;

/** The status of an agent, as lines of at most `columns`. */
export function statusScreen(status: AgentStatus, options: ScreenOptions): string[] {
  return [
    ...headLines(status, options),
    '',
    ...helperLines(status, options),
    '',
    ...rateLines(status, options),
    ...gapLines(status, options),
    '',
    ...outputLines(status, options),
    ...spoolLines(status, options),
    ...factLines(status, options),
    '',
    ...ruleLines(status, options),
  ];
}

/** A line with its name in front; `text` is neutralised here. */
function labelled(label: string, text: string, { columns, paint }: ScreenOptions): string {
  const room = columns - LABEL_WIDTH;
  return `${paint('bold', padTo(label, LABEL_WIDTH))}${cutTo(neutralise(text), room)}`;
}

/** The same, on several lines where it is long. */
function wrapped(label: string, text: string, options: ScreenOptions): string[] {
  const lines = wrap(neutralise(text), Math.max(1, options.columns - LABEL_WIDTH));
  return lines.map((line, i) => labelled(i === 0 ? label : '', line, options));
}

function headLines({ healthy, problems, agent, readers }: AgentStatus, options: ScreenOptions): string[] {
  const { paint, columns, now } = options;
  const up = formatSeconds((now - Date.parse(agent.started)) / 1000);
  const rest = ` agent ${agent.version}, up ${up}, pid ${agent.pid}, ${formatBytes(agent.memory_bytes)}, ${readers} ${readers === 1 ? 'reader' : 'readers'}`;
  const verdict = healthy ? 'HEALTHY' : 'NOT HEALTHY';
  return [
    paint(healthy ? 'green' : 'critical', verdict) + cutTo(neutralise(rest), columns - verdict.length),
    ...problems.flatMap(({ what, reason }) =>
      wrapped('', `${what}: ${reason}`, options).map((line) => paint('red', line)),
    ),
    ...(agent.config.file === undefined ? [] : [labelled('Config', agent.config.file, options)]),
  ];
}

function helperLines({ helper }: AgentStatus, options: ScreenOptions): string[] {
  const { paint, now } = options;
  const state = helper.connected
    ? `connected${helper.silent ? ', but silent' : ''}`
    : `not connected for ${formatSeconds(helper.away_seconds ?? 0)}`;
  const up = helper.started === undefined ? '' : `, up ${formatSeconds((now - Date.parse(helper.started)) / 1000)}`;
  const version = helper.version === undefined ? '' : `, ${helper.version}, source ${helper.source ?? 'unknown'}${up}`;
  const line = labelled('Helper', state + version, options);
  return [
    helper.connected && !helper.silent ? line : paint('red', line),
    ...(helper.privileges === undefined ? [] : [labelled('', privilegesOf(helper.privileges), options)]),
    ...(helper.probe_sha256 === undefined ? [] : [labelled('', `probe ${helper.probe_sha256}`, options)]),
    ...(helper.kernel_count === undefined
      ? []
      : [
          labelled(
            '',
            `kernel counted ${formatCount(helper.kernel_count)}, had no room for ${formatCount(helper.kernel_lost ?? 0)}; last line ${formatSeconds(helper.last_line_seconds ?? 0)} ago`,
            options,
          ),
        ]),
  ];
}

function privilegesOf(privileges: NonNullable<AgentStatus['helper']['privileges']>): string {
  const { uid, capabilities, no_new_privs: none, seccomp, landlock, integrity_level: level } = privileges;
  const parts = [
    uid === undefined ? '' : `uid ${uid}`,
    capabilities === undefined ? '' : /^0+$/.test(capabilities) ? 'no capabilities' : `capabilities ${capabilities}`,
    none === undefined ? '' : none ? 'no_new_privs' : 'may gain privileges',
    seccomp === undefined ? '' : seccomp === 2 ? 'seccomp' : 'no seccomp',
    landlock === undefined ? '' : landlock > 0 ? 'landlock' : 'no landlock',
    level === undefined ? '' : `integrity ${level}`,
  ];
  return `privileges: ${parts.filter((part) => part !== '').join(', ')}`;
}

function rateLines({ rates, received, alerts }: AgentStatus, options: ScreenOptions): string[] {
  const all = Object.entries(received).reduce((sum, [kind, count]) => (kind === 'gap' ? sum : sum + count), 0);
  return [
    rateLine('Events', rates.events, `${formatCount(all)} received`, options),
    rateLine('Alerts', rates.alerts, `${formatCount(alerts)} in all`, options),
  ];
}

/** A line of the last minutes, the rate now and the highest. */
function rateLine(label: string, seconds: readonly number[], total: string, options: ScreenOptions): string {
  const { columns, isUtf8, paint } = options;
  const newest = seconds.slice(-NOW_SECONDS);
  const now = newest.reduce((sum, count) => sum + count, 0) / Math.max(1, newest.length);
  const width = Math.min(60, Math.max(0, Math.floor((columns - LABEL_WIDTH) * 0.4)));
  const room = columns - LABEL_WIDTH - width - 1;
  const words = `${formatRate(now)}/s, most ${formatRate(Math.max(0, ...seconds))}/s; ${total}`;
  return `${paint('bold', padTo(label, LABEL_WIDTH))}${paint('cyan', sparkline(seconds, width, isUtf8))} ${cutTo(words, room)}`;
}

function gapLines({ gaps, rates }: AgentStatus, options: ScreenOptions): string[] {
  if (gaps.lost === 0 && gaps.by_output.length === 0) return [labelled('Gaps', 'none: nothing was lost', options)];
  const head = rateLine('Lost', rates.lost, `${formatCount(gaps.lost)} in all`, options);
  const rows = gaps.by_output
    .slice(0, LONGEST_LIST)
    .map(({ output, hop, cause, count }) =>
      labelled('', `${formatCount(count)} at ${hop} (${cause}), not in ${output}`, options),
    );
  return [options.paint('yellow', head), ...rows, ...more(gaps.by_output.length)];
}

function outputLines({ outputs }: AgentStatus, options: ScreenOptions): string[] {
  const { columns, paint, now } = options;
  const rows = outputs.map(({ name, type, up, down_seconds: down, lag, taken, seals }) => [
    name,
    type,
    up ? 'up' : `down ${formatSeconds(down ?? 0)}`,
    formatCount(lag.records),
    lag.records === 0 ? '-' : formatSeconds(lag.oldest_seconds),
    formatCount(taken),
    formatCount(seals),
  ]);
  const [head = '', ...lines] = textTable(
    [
      { name: 'OUTPUT', most: 16 },
      { name: 'TYPE', most: 13 },
      { name: 'STATE' },
      { name: 'LAG', right: true },
      { name: 'OLDEST', right: true },
      { name: 'TAKEN', right: true },
      { name: 'SEALS', right: true },
    ],
    rows,
    columns,
  );
  return [
    paint('bold', head),
    ...lines.flatMap((line, i) => {
      const { up, last_error: error } = outputs[i]!;
      const ago = error === undefined ? '' : formatSeconds((now - Date.parse(error.time)) / 1000);
      const rest = error === undefined ? [] : wrapped('', `${ago} ago: ${error.reason}`, options);
      return up ? [line, ...rest.map((text) => paint('dim', text))] : [line, ...rest].map((text) => paint('red', text));
    }),
  ];
}

/** The lines about facts for outputs. */
function factLines({ facts }: AgentStatus, options: ScreenOptions): string[] {
  if (facts === undefined) return [];
  const { events, left_out: leftOut, hashes } = facts;
  const without = leftOut.memory + leftOut.defect;
  const head = `of ${formatCount(events)} events${without === 0 ? '' : `; ${formatCount(without)} went without`}`;
  const results = Object.entries(hashes).map(
    ([result, count]) => `${formatCount(count)} ${result.replaceAll('_', ' ')}`,
  );
  return [
    labelled('Facts', head, options),
    ...(results.length === 0 ? [] : [labelled('', `hashes: ${results.join(', ')}`, options)]),
  ];
}

function spoolLines({ spool }: AgentStatus, options: ScreenOptions): string[] {
  if (spool === undefined) return [];
  const { folder, bytes, max_bytes: most, unwritten_records: unwritten } = spool;
  const share = Math.round((bytes / Math.max(1, most)) * 100);
  const rest = unwritten === 0 ? '' : `, ${formatCount(unwritten)} records not written yet`;
  return [
    '',
    labelled('Spool', `${formatBytes(bytes)} of ${formatBytes(most)} (${share}%)${rest}, ${folder}`, options),
  ];
}

function ruleLines({ rules, filtered }: AgentStatus, options: ScreenOptions): string[] {
  const { loaded, refused, skipped, filters, hits } = rules;
  const { paint } = options;
  const counts = `${loaded} loaded, ${skipped} skipped, ${refused} refused; ${filters} ${filters === 1 ? 'filter' : 'filters'} dropped ${formatCount(filtered)}`;
  const line = labelled('Rules', counts, options);
  const rows = hits.slice(0, LONGEST_LIST).map(({ id, title, level, matches }) => {
    const text = `${formatCount(matches).padStart(9)} ${(level ?? 'alert').toUpperCase()}: ${title ?? id}`;
    return paint(styleOfLevel(level), labelled('', text, options));
  });
  return [refused > 0 ? paint('yellow', line) : line, ...rows, ...more(hits.length)];
}

const more = (length: number): string[] =>
  length > LONGEST_LIST ? [`${' '.repeat(LABEL_WIDTH)}and ${length - LONGEST_LIST} more`] : [];
