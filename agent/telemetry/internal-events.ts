import type { LogLevel } from '../log.ts';

/**
 * Every event that the agent reports about itself, named as a noun and a past participle.
 * Each has one level and one sentence, wherever it is raised.
 */
export const INTERNAL_EVENTS = {
  AgentStarted: ['info', 'agent started'],
  AgentRunsAsRoot: [
    'warn',
    'running as root: the agent needs no privileges, and a fault in it would have root privileges; run it as user "probes"',
  ],
  AgentStopping: ['info', 'stopping: writing queued events'],
  AgentStopped: ['info', 'agent stopped'],
  ShutdownTimedOut: ['error', 'shutdown_timeout ran out before every event was written'],
  ConfigReloaded: ['info', 'the configuration was reloaded'],
  ConfigRefused: ['error', 'the new configuration is wrong; the previous one stays in force'],

  ServiceManagerUnreachable: ['warn', 'the service manager cannot be reached and gets no reports; going on without'],
  WatchdogWithheld: ['error', 'no progress is reported to the service manager, which will restart the agent'],

  RulesLoaded: ['info', 'filters and rules are in force'],
  RuleRefused: ['error', 'rules with mistakes are not used; the others are'],
  ConfigExposed: [
    'warn',
    'users other than root and this one can change the configuration or the rules, and can so hide events from the agent',
  ],
  RuleDoubtful: ['warn', 'rules or their settings may not do what their author intended'],
  RulesRefused: ['error', 'the new rules cannot be used; the previous ones stay in force'],
  RulesNotWatched: ['warn', 'a folder of rules is not watched; send SIGHUP after a change'],
  AlertsSuppressed: ['info', 'suppression withheld alerts'],
  EventsJudged: ['info', 'totals of filters and rules since the agent started'],
  JudgementFailed: [
    'error',
    'an event could not be judged and was passed on unchanged; this is a defect, please report it',
  ],
  EventUnjudged: [
    'error',
    'an event would take too long to judge and was passed on unchanged; its command line was crafted for that, or a rule is very costly',
  ],
  EventsRedacted: ['info', 'in how many events secrets were redacted since the agent started'],
  RedactionFailed: [
    'error',
    'secrets could not be looked for in an event, whose command lines were left out; this is a defect, please report it',
  ],
  EnrichmentFailed: [
    'error',
    'facts for outputs could not be found, and an event went on without them; this is a defect, please report it',
  ],
  HashingFailed: ['error', 'the process that hashes images failed; events go without hashes until another is started'],

  HelperConnected: ['info', 'connected to the helper'],
  HelperDisconnected: ['warn', 'the connection to the helper ended; the helper will replay the events that it holds'],
  HelperUnreachable: ['error', 'cannot connect to the helper; trying again'],
  HelperRefused: ['error', 'the program on the socket is not a helper that this agent can trust; trying again'],
  HelperSilent: ['error', 'the helper sent nothing, not even a heartbeat; connecting again'],
  ProbeReloaded: ['info', 'the probe was reloaded; its numbers continue from another point'],
  BootChanged: ['info', 'the machine was rebooted; the numbers start again'],
  NumbersReused: ['error', 'the helper reuses numbers; events may appear twice'],

  EventsMissing: ['error', 'events are missing from the stream; gap events say which'],
  EventsOutOfOrder: ['error', 'the helper sent events out of order; they were already reported as a gap'],
  EventUnreadable: ['error', 'an event does not fit the protocol; a gap stands in its place'],
  EventsDropped: ['error', 'an output could not keep up; a gap event names the events that it missed'],

  SealUnbalanced: [
    'error',
    'more events than numbers came in for a seal, which therefore says less than it should; the helper repeated numbers',
  ],

  OutputOpened: ['info', 'output opened'],
  OutputClosed: ['info', 'output closed'],
  OutputResumed: ['info', 'an output continues after the events that it already had'],
  PositionUnknown: [
    'warn',
    "an output's earlier position is unknown; it gets all events that the helper holds, some perhaps for the second time",
  ],
  PositionNotKept: ['warn', "an output's position cannot be saved; after a restart, the agent may write events twice"],
  UnfinishedLineRemoved: ['warn', 'an unfinished line was removed from a file; its event is replayed'],
  FileTruncated: [
    'warn',
    'another program truncated a file; the newest lines were written again, some perhaps for the second time',
  ],
  FileTruncatedLossy: [
    'error',
    'another program truncated a file after more was written than the agent remembers; lines may be lost: let that program move the file instead (no copytruncate)',
  ],
  EventsRefused: ['error', 'a receiver will never take these events; a gap event stands in their place'],
  MetricsListening: ['info', 'metrics and health are served'],
  MetricsClosed: ['info', 'metrics and health are no longer served'],
  MetricsFailed: ['error', 'a request for metrics could not be served'],
  ControlListening: ['info', 'the control socket can be connected to'],
  ControlClosed: ['info', 'the control socket is closed'],
  ControlFailed: ['error', 'a request on the control socket could not be answered'],
  DashboardListening: ['info', 'the page is served; probes-agent dashboard prints its address with the token'],
  DashboardClosed: ['info', 'the page is no longer served'],
  DashboardFailed: ['error', 'a request for the page could not be answered'],
  DashboardRefused: ['warn', 'somebody asked for the page with a wrong token'],
  ReceiverWarned: ['warn', 'a receiver took everything and sent a warning with it'],
  OutputUnprotected: ['warn', 'what an output sends is not protected on its way'],
  OutputUnacknowledged: ['warn', 'an output has no acknowledgements, so events can be lost without a gap'],
  DeadLetterNotKept: ['error', 'an event that a receiver refused could not be written to the dead_letter file'],
  StoreDamaged: ['error', 'a file of the store is damaged and was put aside; what was in it cannot be queried'],
  SpoolOpened: ['info', 'the spool was opened'],
  SpoolTailCut: ['info', 'an unfinished write was removed from the spool; its events are replayed'],
  SpoolDamaged: ['error', 'a part of the spool cannot be read; where events are lost, gap events say which'],
  SpoolFull: ['error', 'the spool is full; when_full decides whether the oldest events are dropped or reading stops'],
  SpoolFailed: ['error', 'the spool cannot be written; trying again'],
  SpoolRecovered: ['info', 'the spool can be written again'],
  SpoolCursorUnknown: [
    'warn',
    "an output's position in the spool cannot be used; it gets everything that the spool holds, some perhaps for the second time",
  ],
  SpoolCursorRemoved: ['info', 'an output is no longer configured; its position in the spool was removed'],
  OutputFailed: ['error', 'an output failed; trying again'],
  OutputRecovered: ['info', 'an output works again'],
} as const satisfies Record<string, readonly [LogLevel, string]>;

export type InternalEventName = keyof typeof INTERNAL_EVENTS;
