import { metricsRoutes } from '../metrics/routes.ts';
import { json, says, type Routes } from '../server/answer.ts';
import { gapsOf, outputsOf, rulesOf, statusOf, type Sight } from './status.ts';
import { Explanations } from './explanations.ts';
import { Streams } from './streams.ts';

/** Outcome of a request to read the configuration again. */
export interface Reloaded {
  readonly ok: boolean;
  /** Why it was refused: the one before stays in force. */
  readonly problems: readonly string[];
}

/** Actions of the local API besides reading. */
export interface ControlActions {
  readonly reload: () => Promise<Reloaded>;
  /** The address that opens the page, with its token; undefined when there is no page. */
  readonly dashboardUrl: () => string | undefined;
}

/** The part of the local API that only reads: docs/api.md. Its streams are bounded together. */
export function readingRoutes(sight: Sight): Routes {
  const streams = new Streams(sight.recent, new Explanations(() => sight.rules.inForce.set));
  const reads = (value: () => unknown): Routes[string] => ({ method: 'GET', answer: () => json(value()) });
  return {
    '/v1/status': reads(() => ({ ...statusOf(sight), readers: streams.size })),
    '/v1/events': { method: 'GET', answer: streams.answer },
    '/v1/outputs': reads(() => outputsOf(sight)),
    '/v1/rules': reads(() => rulesOf(sight)),
    '/v1/gaps': reads(() => gapsOf(sight)),
    ...metricsRoutes(sight),
  };
}

/** The whole local API. Whoever can connect sees every event, so the address of the page is no more than that. */
export function controlRoutes(reading: Routes, { reload, dashboardUrl }: ControlActions): Routes {
  return {
    ...reading,
    '/v1/dashboard': {
      method: 'GET',
      answer: () => {
        const url = dashboardUrl();
        if (url === undefined)
          return says(
            404,
            'there is no page: add "dashboard: { listen: 127.0.0.1:9465 }" to the configuration and reload',
          );
        return json({ url });
      },
    },
    '/v1/reload': {
      method: 'POST',
      answer: async () => {
        const outcome = await reload();
        return json(outcome, outcome.ok ? 200 : 422);
      },
    },
  };
}
