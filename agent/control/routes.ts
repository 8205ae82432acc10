import { metricsRoutes } from '../metrics/routes.ts';
import { json, type Routes } from '../server/answer.ts';
import { gapsOf, outputsOf, rulesOf, statusOf, type Sight } from './status.ts';
import { Explanations } from './explanations.ts';
import { Streams } from './streams.ts';

/** Outcome of a request to read the configuration again. */
export interface Reloaded {
  readonly ok: boolean;
  /** Why it was refused: the one before stays in force. */
  readonly problems: readonly string[];
}

/** The local API: docs/api.md. All of it reads, except `reload`. */
export function controlRoutes(sight: Sight, reload: () => Promise<Reloaded>): Routes {
  const streams = new Streams(sight.recent, new Explanations(() => sight.rules.inForce.set));
  const reads = (value: () => unknown): Routes[string] => ({ method: 'GET', answer: () => json(value()) });
  return {
    '/v1/status': reads(() => ({ ...statusOf(sight), readers: streams.size })),
    '/v1/events': { method: 'GET', answer: streams.answer },
    '/v1/outputs': reads(() => outputsOf(sight)),
    '/v1/rules': reads(() => rulesOf(sight)),
    '/v1/gaps': reads(() => gapsOf(sight)),
    '/v1/reload': {
      method: 'POST',
      answer: async () => {
        const outcome = await reload();
        return json(outcome, outcome.ok ? 200 : 422);
      },
    },
    ...metricsRoutes(sight),
  };
}
