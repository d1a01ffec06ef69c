import { z } from 'zod';
import { isCivilDate } from './civil-date.ts';
import { COST_STATUSES, type CostStatus } from '@spanmeter/processors';

/** Text that PostgreSQL can take: no NUL, no lone surrogates. */
function storable(text: string): boolean {
  return !text.includes('\0') && !/\p{Cs}/u.test(text);
}

function dimension(description: string, maxLength = 256): z.ZodOptional<z.ZodString> {
  return z
    .string()
    .min(1)
    .max(maxLength)
    .refine(storable, 'must be valid text without NUL')
    .optional()
    .describe(description);
}

const INSTANT = z.iso.datetime({ offset: true, local: false });

/** Whether `text` bounds a range: a date or an ISO instant with its offset, of a year that a call can have. */
export function isBound(text: string): boolean {
  const date: string = text.slice(0, 10);
  return isCivilDate(date) && (text === date || INSTANT.safeParse(text).success);
}

const bound = z
  .string()
  .refine(isBound, 'must be a date (YYYY-MM-DD) or an ISO 8601 instant with its offset');

type OptionalText = z.ZodOptional<z.ZodString>;

interface Parameters {
  readonly tenant: OptionalText;
  readonly from: OptionalText;
  readonly to: OptionalText;
  readonly asOf: OptionalText;
  readonly traceId: z.ZodType<string | undefined, string | undefined>;
  readonly provider: OptionalText;
  readonly model: OptionalText;
  readonly serviceName: OptionalText;
  readonly environment: OptionalText;
  readonly team: OptionalText;
  readonly user: OptionalText;
  readonly feature: OptionalText;
  readonly key: OptionalText;
  readonly costStatus: z.ZodType<CostStatus | undefined, CostStatus | undefined>;
  readonly runId: OptionalText;
  readonly limit: z.ZodType<number, string | undefined>;
  readonly cursor: OptionalText;
}

/** The schema of each shared parameter, by name. */
export const PARAMETERS: Parameters = {
  tenant: dimension(
    'Tenant to read. With a read key only its own; with an admin key, or without authentication, absence means all tenants in UTC.',
    512,
  ),
  from: bound
    .optional()
    .describe(
      "Start: a date (that whole day in the tenant's time zone) or an ISO 8601 instant with its offset.",
    ),
  to: bound
    .optional()
    .describe('End: a date (that whole day is included) or an ISO 8601 instant with its offset (excluded).'),
  asOf: bound
    .optional()
    .describe(
      'Spend as it stood then: of calls received and with corrections made before it. An ISO 8601 instant with its ' +
        'offset, or a date for the end of that day in UTC; in the future it is now.',
    ),
  traceId: z
    .string()
    .regex(/^[0-9a-fA-F]{32}$/, 'must be 32 hex digits')
    .transform((text) => text.toLowerCase())
    .optional()
    .describe('Trace id, 32 hex digits.'),
  provider: dimension('Provider, such as `openai` or `aws.bedrock`.'),
  model: dimension('Model, as the price book names it.'),
  serviceName: dimension('`service.name` of the application.'),
  environment: dimension('Deployment environment.'),
  team: dimension('Team.'),
  user: dimension('User id.'),
  feature: dimension('Feature.'),
  key: dimension('Public id of an API key.'),
  costStatus: z.enum(COST_STATUSES).optional().describe('Current cost status.'),
  runId: dimension('Run that made the corrections.'),
  limit: z
    .string()
    .regex(/^\d{1,4}$/, 'must be a number from 1 to 1000')
    .default('100')
    .transform(Number)
    .refine((limit) => limit >= 1 && limit <= 1000, 'must be a number from 1 to 1000')
    .describe('Rows per page, from 1 to 1000.'),
  cursor: z.string().min(1).max(2048).optional().describe('`next_cursor` of the page before.'),
};

/** An exact decimal amount in USD. */
export const USD: z.ZodString = z
  .string()
  .regex(/^-?\d+(\.\d+)?$/)
  .describe('Exact decimal amount in USD.');

/** A count that fits a JSON number exactly. */
export const COUNT: z.ZodInt = z.int().min(0);
