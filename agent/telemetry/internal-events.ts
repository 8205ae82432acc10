import type { LogLevel } from '../log.ts';

/**
 * Everything that the agent says about itself: a noun and what happened to it.
 * Each has one level and one sentence, wherever it is raised.
 */
export const INTERNAL_EVENTS = {
  AgentStarted: ['info', 'agent started'],
  AgentRunsAsRoot: [
    'warn',
    'running as root: the agent needs no privilege, and a fault in it would then be a fault with privilege; run it as user "probes"',
  ],
  AgentStopping: ['info', 'stopping: writing what is queued'],
  AgentStopped: ['info', 'agent stopped'],
  ShutdownTimedOut: ['error', 'shutdown_timeout ran out before every event was written'],
  ConfigReloaded: ['info', 'the configuration was reloaded'],
  ConfigRefused: ['error', 'the new configuration is wrong; the one before stays in force'],

  RulesLoaded: ['info', 'filters and rules are in force'],
  RuleRefused: ['error', 'rules have mistakes and are not used; the others are'],
  ConfigExposed: [
    'warn',
    'others than root and this user can change the configuration or the rules, and so decide what the agent sees',
  ],
  RuleDoubtful: ['warn', 'rules, or what is said of them, may not mean what was meant'],
  RulesRefused: ['error', 'the rules that are there now cannot be used; those before stay in force'],
  RulesNotWatched: ['warn', 'a folder of rules is not watched; send SIGHUP after a change'],
  AlertsSuppressed: ['info', 'alerts were held back, as suppression asks for'],
  EventsJudged: ['info', 'what filters and rules did since the agent started'],
  JudgementFailed: ['error', 'an event could not be judged and went on as it is; this is a defect, please report it'],
  EventUnjudged: [
    'error',
    'an event would take too long to judge and went on as it is; its command line was made for that, or a rule is very costly',
  ],
  EventsRedacted: ['info', 'in how many events secrets were redacted since the agent started'],
  RedactionFailed: [
    'error',
    'secrets could not be looked for in an event, whose command lines were left out; this is a defect, please report it',
  ],

  HelperConnected: ['info', 'connected to the helper'],
  HelperDisconnected: ['warn', 'the connection to the helper ended; what it holds will be replayed'],
  HelperUnreachable: ['error', 'cannot connect to the helper; trying again'],
  HelperRefused: ['error', 'what answers is not a helper that this agent can trust; trying again'],
  HelperSilent: ['error', 'the helper sent nothing, not even a heartbeat; connecting again'],
  ProbeReloaded: ['info', 'the probe was loaded anew; its numbers go on from another place'],
  BootChanged: ['info', 'the machine was booted; the numbers begin anew'],
  NumbersReused: ['error', 'the helper gives numbers again that it had given; events may appear twice'],

  EventsMissing: ['error', 'events are missing from the stream; gap events say which'],
  EventsOutOfOrder: ['error', 'the helper sent events out of order; they were already reported as a gap'],
  EventUnreadable: ['error', 'an event does not fit the protocol; a gap stands in its place'],
  EventsDropped: ['error', 'an output could not keep up; a gap event tells it what it missed'],

  OutputOpened: ['info', 'output opened'],
  OutputClosed: ['info', 'output closed'],
  OutputResumed: ['info', 'an output goes on after what it held before'],
  PositionUnknown: [
    'warn',
    'how far an output got before is not known; it gets all that the helper holds, some of it perhaps for the second time',
  ],
  PositionNotKept: [
    'warn',
    'how far an output got cannot be kept; if the agent is restarted, it may write events twice',
  ],
  UnfinishedLineRemoved: ['warn', 'a line that was not finished was cut off a file; its event is replayed'],
  FileTruncated: [
    'warn',
    'a file was made shorter by another program; the newest lines were written again, some of them perhaps for the second time',
  ],
  FileTruncatedLossy: [
    'error',
    'a file was made shorter by another program after more was written than is remembered; lines may be in no copy: let it move the file instead (no copytruncate)',
  ],
  EventsRefused: ['error', 'a receiver will never take these events; a gap event stands in their place'],
  MetricsListening: ['info', 'metrics and health are served'],
  MetricsClosed: ['info', 'metrics and health are no longer served'],
  MetricsFailed: ['error', 'a request for metrics could not be served'],
  OutputUnprotected: ['warn', 'what an output sends is not protected on its way'],
  DeadLetterNotKept: ['error', 'an event that a receiver refused could not be written to the dead_letter file'],
  SpoolOpened: ['info', 'the spool was opened'],
  SpoolTailCut: ['info', 'a write to the spool that was not finished was cut off; its events are replayed'],
  SpoolDamaged: ['error', 'a part of the spool cannot be read; where events are lost, gap events say which'],
  SpoolFull: ['error', 'the spool is full; when_full says whether the oldest events are given up or no more are read'],
  SpoolFailed: ['error', 'the spool cannot be written; trying again'],
  SpoolRecovered: ['info', 'the spool can be written again'],
  SpoolCursorUnknown: [
    'warn',
    'the place of an output in the spool cannot be used; it gets everything that the spool holds, some of it perhaps for the second time',
  ],
  SpoolCursorRemoved: ['info', 'an output is not configured any more; its place in the spool was removed'],
  OutputFailed: ['error', 'an output failed; trying again'],
  OutputRecovered: ['info', 'an output works again'],
} as const satisfies Record<string, readonly [LogLevel, string]>;

export type InternalEventName = keyof typeof INTERNAL_EVENTS;
