import { z } from 'zod';
import { openApiDocument } from './openapi.ts';
import { defineRoute, type Route } from './route.ts';
import { ADJUSTMENTS } from './routes/adjustments.ts';
import { ALERTS } from './routes/alerts.ts';
import { BUDGET_STATUS } from './routes/budget-status.ts';
import { BUDGETS } from './routes/budgets.ts';
import { CALLS } from './routes/calls.ts';
import { FORECAST } from './routes/forecast.ts';
import { METRICS } from './routes/metrics.ts';
import { PRICES } from './routes/prices.ts';
import { SPEND } from './routes/spend.ts';
import { STATUS } from './routes/status.ts';
import { SUMMARY } from './routes/summary.ts';
import { WHAT_IF } from './routes/whatif.ts';

const OPENAPI: Route = defineRoute({
  path: '/api/openapi.json',
  summary: 'This document',
  description: 'OpenAPI 3.1, generated from the schemas that check every request.',
  access: 'public',
  query: z.strictObject({}),
  answer: z.record(z.string(), z.unknown()),
  example: { openapi: '3.1.0' },
  handle: () => Promise.resolve({ json: DOCUMENT }),
});

/** Every endpoint of the query API. */
export const ROUTES: readonly Route[] = [
  METRICS,
  SUMMARY,
  CALLS,
  ADJUSTMENTS,
  SPEND,
  PRICES,
  WHAT_IF,
  BUDGET_STATUS,
  ...BUDGETS,
  ...ALERTS,
  FORECAST,
  STATUS,
  OPENAPI,
];

const DOCUMENT = openApiDocument(ROUTES);
