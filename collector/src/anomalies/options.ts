import { z } from 'zod';

/** How far beyond the usual an hour must be. */
export const SENSITIVITIES = ['low', 'medium', 'high'] as const;
export type Sensitivity = (typeof SENSITIVITIES)[number];

/** Options of the search for hours that cost far more than usual. */
export const anomalyOptions: z.ZodObject<{
  enabled: z.ZodDefault<z.ZodBoolean>;
  min_excess_usd: z.ZodDefault<z.ZodNumber>;
  min_new_usd: z.ZodDefault<z.ZodNumber>;
  sensitivity: z.ZodDefault<z.ZodEnum<{ low: 'low'; medium: 'medium'; high: 'high' }>>;
}> = z.strictObject({
  enabled: z.boolean().default(true).describe('Whether hours are compared with earlier weeks at all.'),
  min_excess_usd: z
    .number()
    .positive()
    .max(1e9)
    .default(5)
    .describe('USD beyond the usual below which an hour is never an anomaly.'),
  min_new_usd: z
    .number()
    .positive()
    .max(1e9)
    .default(25)
    .describe('USD an hour from which a model or service without any history is an anomaly.'),
  sensitivity: z
    .enum(SENSITIVITIES)
    .default('medium')
    .describe(
      '`low` from 4 times the usual on, `medium` from 2.5, `high` from 1.5; more where hours vary much.',
    ),
});
export type AnomalyOptions = z.output<typeof anomalyOptions>;
