import type { AgentStatus } from '../client/status.ts';
import { formatBytes, formatCount, formatRate, formatSeconds } from '../view/quantities.ts';
import { neutralise } from '../terminal-text.ts';
import { byId, clock, fact, make, say, setState } from './dom.ts';
import type { ShownGap } from './event-model.ts';
import { Plot } from './plots.ts';

/** Points of the page's own plot, and their distance in seconds: as long as the agent's. */
const LAG_POINTS = 150;
export const STATUS_SECONDS = 2;

/** Seconds over which the rate "now" is taken. */
const NOW_SECONDS = 5;

const MAX_OUTPUTS = 64;
const MAX_GAPS = 5;

/** Everything on the page that comes from /v1/status. */
export class StatusView {
  readonly #events = new Plot('plot-events', [{ label: 'now', colour: 'accent' }]);
  readonly #alerts = new Plot('plot-alerts', [
    { label: 'alerts', colour: 'bad' },
    { label: 'lost', colour: 'warn' },
  ]);
  readonly #lag = new Plot('plot-lag', [{ label: 'now', colour: 'cool' }]);
  readonly #lags: number[] = [];

  show(status: AgentStatus): void {
    this.#head(status);
    this.#tiles(status);
    this.#plots(status);
    completeness(status);
    outputs(status);
    helper(status);
  }

  /** The agent does not answer: nothing on the page is of now. */
  away(): void {
    setState(byId('health'), 'bad');
    say(byId('health'), 'No answer');
  }

  #head({ healthy, problems, agent }: AgentStatus): void {
    setState(byId('health'), healthy ? 'good' : 'bad');
    say(byId('health'), healthy ? 'Healthy' : 'Not healthy');
    const up = formatSeconds((Date.now() - Date.parse(agent.started)) / 1000);
    say(
      byId('agent'),
      neutralise(`agent ${agent.version}, up ${up}, pid ${agent.pid}, ${formatBytes(agent.memory_bytes)}`),
    );
    showBanner(problems.map(({ what, reason }) => neutralise(`${what}: ${reason}`)).join('\n'));
  }

  #tiles({ rates, alerts, gaps, outputs: all, received, rules }: AgentStatus): void {
    const newest = rates.events.slice(-NOW_SECONDS);
    const came = newest.reduce((sum, count) => sum + count, 0);
    say(byId('tile-rate'), came === 0 ? '0' : formatRate(came / newest.length));
    const total = Object.entries(received).reduce((sum, [kind, count]) => (kind === 'gap' ? sum : sum + count), 0);
    say(byId('tile-rate-note'), `${formatCount(total)} in all`);
    say(byId('tile-alerts'), formatCount(alerts));
    say(
      byId('tile-alerts-note'),
      `${formatCount(rules.loaded)} rules${rules.refused > 0 ? `, ${rules.refused} refused` : ''}`,
    );
    say(byId('tile-lost'), formatCount(gaps.lost));
    say(byId('tile-lost-note'), gaps.lost === 0 ? 'every event is here' : 'known by number');
    const oldest = all.reduce((most, { lag }) => (lag.records > 0 ? Math.max(most, lag.oldest_seconds) : most), 0);
    say(byId('tile-lag'), oldest < 1 ? 'under 1 s' : formatSeconds(oldest));
    const down = all.filter(({ up }) => !up).length;
    say(byId('tile-lag-note'), `${all.length - down} of ${all.length} outputs up`);
  }

  #plots({ rates, outputs: all }: AgentStatus): void {
    this.#events.show([rates.events], 1);
    this.#alerts.show([rates.alerts, rates.lost], 1);
    this.#lags.push(all.reduce((most, { lag }) => Math.max(most, lag.records), 0));
    if (this.#lags.length > LAG_POINTS) this.#lags.shift();
    this.#lag.show([this.#lags], STATUS_SECONDS);
  }
}

/** A problem across the page; none when it is empty. */
export function showBanner(text: string): void {
  byId('banner').hidden = text === '';
  say(byId('banner'), text);
}

/** Received and lost numbers add up to those that the kernel gave. */
function completeness({ numbers, helper: from }: AgentStatus): void {
  const verdict = byId('complete-verdict');
  if (numbers === undefined) {
    setState(verdict, 'unknown');
    say(verdict, 'No numbers yet');
    return;
  }
  const { first, through, events, lost } = numbers;
  const given = through - first + 1;
  const unaccounted = given - events - lost;
  setState(verdict, unaccounted !== 0 ? 'bad' : lost > 0 ? 'warn' : 'good');
  say(
    verdict,
    unaccounted !== 0
      ? `${formatCount(Math.abs(unaccounted))} numbers do not add up`
      : lost > 0
        ? `${formatCount(lost)} lost, and known`
        : 'Complete',
  );
  say(
    byId('complete-sum'),
    `${formatCount(events)} received + ${formatCount(lost)} lost = ${formatCount(events + lost)} of ${formatCount(given)} numbers`,
  );
  const counted =
    from.first_seq === undefined || from.last_seq === undefined ? undefined : from.last_seq - from.first_seq + 1;
  replace(byId('complete'), [
    ...fact('Numbers', `${formatCount(first)} to ${formatCount(through)}, since this agent connected`),
    ...fact(
      'Kernel counted',
      from.kernel_count === undefined ? undefined : `${formatCount(from.kernel_count)}, by its last heartbeat`,
    ),
    ...fact(
      'Sent by helper',
      counted === undefined || counted < 0 ? undefined : `${formatCount(counted)}, since the probe was loaded`,
    ),
    ...fact('No room in ring', from.kernel_lost === undefined ? undefined : formatCount(from.kernel_lost)),
  ]);
}

/** The newest gaps of the stream. */
export function showGaps(gaps: readonly ShownGap[]): void {
  const newest = gaps.slice(-MAX_GAPS).toReversed();
  byId('gaps-title').hidden = newest.length === 0;
  replace(
    byId('gaps'),
    newest.map(({ time, count, first, last, hop, cause }) =>
      make('li', {}, `${clock(time)}  ${formatCount(count)} at ${hop} (${cause}): ${first} to ${last}`),
    ),
  );
}

function outputs({ outputs: all }: AgentStatus): void {
  replace(
    byId('outputs'),
    all.slice(0, MAX_OUTPUTS).map(({ name, type, up, down_seconds: down, lag, taken, seals, last_error: error }) => {
      const state = make(
        'span',
        { 'class': 'badge', 'data-state': up ? 'good' : 'bad' },
        up ? 'up' : `down ${formatSeconds(down ?? 0)}`,
      );
      const behind =
        lag.records === 0
          ? 'up to date'
          : `${formatCount(lag.records)} behind, the oldest ${formatSeconds(lag.oldest_seconds)}`;
      return make(
        'li',
        {},
        make('div', {}, make('strong', {}, neutralise(name)), make('span', { class: 'dim' }, type), state),
        make(
          'span',
          { class: 'dim' },
          `${formatCount(taken)} taken, ${behind}${seals > 0 ? `, ${formatCount(seals)} seals` : ''}`,
        ),
        ...(error === undefined
          ? []
          : [
              make(
                'span',
                { class: up ? 'dim' : 'wrong' },
                neutralise(`${clock(error.time)} ${error.reason}`.slice(0, 500)),
              ),
            ]),
      );
    }),
  );
}

function helper({ helper: from }: AgentStatus): void {
  const state = from.connected
    ? from.silent
      ? 'connected, but silent'
      : 'connected'
    : `away for ${formatSeconds(from.away_seconds ?? 0)}`;
  const up = from.started === undefined ? undefined : formatSeconds((Date.now() - Date.parse(from.started)) / 1000);
  replace(byId('helper'), [
    ...fact('State', state),
    ...fact('Up', up),
    ...fact(
      'Version',
      from.version === undefined
        ? undefined
        : neutralise(`${from.version}, ${from.source ?? ''} on ${from.platform ?? ''}`),
    ),
    ...fact('Privileges', privilegesOf(from.privileges)),
    ...fact(
      'Last line',
      from.last_line_seconds === undefined ? undefined : `${formatSeconds(from.last_line_seconds)} ago`,
    ),
    ...fact('Probe', from.probe_sha256, true),
  ]);
}

function privilegesOf(privileges: AgentStatus['helper']['privileges']): string | undefined {
  if (privileges === undefined) return undefined;
  const { uid, capabilities, no_new_privs: none, seccomp, integrity_level: level } = privileges;
  return neutralise(
    [
      uid === undefined ? '' : `uid ${uid}`,
      capabilities === undefined ? '' : /^0+$/.test(capabilities) ? 'no capabilities' : `capabilities ${capabilities}`,
      none === undefined ? '' : none ? 'cannot gain any' : 'may gain some',
      seccomp === 2 ? 'seccomp' : '',
      level === undefined ? '' : `integrity ${level}`,
    ]
      .filter((part) => part !== '')
      .join(', '),
  );
}

/** Replaces children where their text differs, so that a selection and the place of a reader stay. */
function replace(parent: HTMLElement, children: readonly HTMLElement[]): void {
  const text = children.map((child) => child.textContent).join('\n');
  if (parent.dataset['text'] === text) return;
  parent.dataset['text'] = text;
  parent.replaceChildren(...children);
}
