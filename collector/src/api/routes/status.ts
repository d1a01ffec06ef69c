import { z } from 'zod';
import { defineRoute, type Route } from '../route.ts';

/** The collector's own state: journal, cursors, gaps, exporters. */
export const STATUS: Route = defineRoute({
  path: '/api/v1/status',
  summary: "The collector's state",
  description:
    'Journal, cursors and exporters. For admin keys, and everybody where no authentication is configured.',
  access: 'operator',
  query: z.strictObject({}),
  answer: z.record(z.string(), z.unknown()),
  example: { version: '0.1.0' },
  handle: async (_query, { status }) => ({ json: await status() }),
});
