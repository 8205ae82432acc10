import { json, type Answer, type Routes } from '../server/answer.ts';
import { familiesOf } from './families.ts';
import { healthOf, readinessOf, type Health } from './health.ts';
import { CONTENT_TYPE, formatFamilies } from './text.ts';
import type { View } from './view.ts';

/** Metrics and health. */
export const metricsRoutes = (view: View): Routes => ({
  '/metrics': {
    method: 'GET',
    answer: () => ({ status: 200, type: CONTENT_TYPE, body: formatFamilies(familiesOf(view)) }),
  },
  '/healthz': { method: 'GET', answer: () => report(healthOf(view)) },
  '/readyz': { method: 'GET', answer: () => report(readinessOf(view)) },
});

const report = (health: Health): Answer => json(health, health.status === 'ok' ? 200 : 503);
