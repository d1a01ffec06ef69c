import { z } from 'zod';
import {
  channelOption,
  dailySummaryOption,
  type ChannelOptions,
  type DailySummaryOptions,
} from '../alerts/channel-options.ts';
import { anomalyOptions, type AnomalyOptions } from '../anomalies/options.ts';
import type { ComponentType } from '../pipeline/component.ts';
import { durationOption } from '../pipeline/option-types.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

/** Options of alerts; durations in milliseconds. */
export interface AlertsOptions {
  readonly channels: Readonly<Record<string, ChannelOptions>>;
  readonly min_interval: number;
  /** 0 is off. */
  readonly silent_after: number;
  readonly unpriced_models: boolean;
  readonly budgets: boolean;
  readonly anomalies: AnomalyOptions;
  readonly daily_summary: DailySummaryOptions;
  readonly dashboard_url: string;
  readonly max_alerts: number;
}

function isWebUrl(text: string): boolean {
  if (text === '') return true;
  if (!URL.canParse(text)) return false;
  const { protocol, username, password, search, hash } = new URL(text);
  // It is in every message, with a path after it.
  return /^https?:$/.test(protocol) && username + password + search + hash === '';
}

/** [contract] What alerts are raised of, and who is told. Without the extension they are kept by its defaults. */
export const ALERTS_EXTENSION: ComponentType<AlertsOptions> = {
  kind: 'extension',
  type: 'alerts',
  summary: 'Alerts of budgets, unusual spend, models without a price and silent tenants, and who is told.',
  options: z
    .strictObject({
      channels: z
        .record(
          z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/, 'expected letters, digits, _ and -'),
          channelOption,
        )
        .refine((channels) => Object.keys(channels).length <= 50, 'at most 50 channels')
        .prefault({})
        .describe('Who is told, by a name of your choice; without any, alerts are kept and listed only.'),
      min_interval: durationOption
        .refine((ms) => ms >= MINUTE_MS && ms <= 30 * DAY_MS, 'expected between 1m and 30d')
        .prefault('1h')
        .describe('How far apart two notifications of one alert, tenant and channel are at least.'),
      silent_after: durationOption
        .refine(
          (ms) => ms === 0 || (ms >= 60 * MINUTE_MS && ms <= 60 * DAY_MS),
          'expected 0 or between 1h and 60d',
        )
        .prefault('7d')
        .describe('A tenant without a billable call for this long is told of; 0 is off.'),
      unpriced_models: z.boolean().default(true).describe('Whether models without a price are told of.'),
      budgets: z.boolean().default(true).describe('Whether exceeded steps of budgets are told of.'),
      anomalies: anomalyOptions.prefault({}).describe('Which hours of spend are told of as unusual.'),
      daily_summary: dailySummaryOption.prefault({}).describe('A summary of the day before.'),
      dashboard_url: z
        .string()
        .max(2048)
        .refine(
          isWebUrl,
          'expected a URL such as https://grafana.example.com, without user, query and fragment',
        )
        .default('')
        .describe('Where Grafana is, for links in notifications.'),
      max_alerts: z
        .int()
        .min(100)
        .max(1_000_000)
        .default(50_000)
        .describe('Alerts that may stand at once; all but budgets may take half of them.'),
    })
    .superRefine(({ channels, daily_summary: { channels: wanted } }, context) => {
      for (const [at, id] of (wanted ?? []).entries()) {
        if (Object.hasOwn(channels, id)) continue;
        const message = 'there is no channel of this name';
        context.addIssue({ code: 'custom', path: ['daily_summary', 'channels', at], message });
      }
    }),
};
