import type {
  CurrencyRate,
  Deployment,
  Discount,
  LayerPrice,
  Modifier,
  PriceLayer,
  PriceOverrides,
  PricePeriod,
} from '@spanmeter/processors';
import type { OverrideKind } from './override-rows.ts';

/** An entry as it is stored: what the columns of `price_overrides` take. */
export interface NewOverride {
  /** Empty for the operator's. */
  readonly tenantId: string;
  readonly kind: OverrideKind;
  readonly provider: string;
  readonly model: string;
  readonly from: string | null;
  readonly to: string | null;
  /** The rest of the entry as in a prices file. */
  readonly prices: Readonly<Record<string, unknown>>;
}

type Rest = Pick<NewOverride, 'kind' | 'provider' | 'model' | 'prices'>;

function dated(
  rest: Rest,
  span: { readonly from?: string; readonly to?: string },
): Omit<NewOverride, 'tenantId'> {
  return { ...rest, from: span.from ?? null, to: span.to ?? null };
}

function written(modifier: Modifier): object {
  const { condition, value, multiply, rates, standard, from, to } = modifier;
  return {
    [condition]: value,
    ...(multiply === undefined ? {} : { multiply }),
    ...rates,
    ...(standard === undefined ? {} : { standard }),
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
  };
}

function periodFields(period: PricePeriod): object {
  const { free, currency, rates, tiers, windows, modifiers } = period;
  return {
    ...rates,
    ...(free === undefined ? {} : { free }),
    ...(currency === undefined ? {} : { currency }),
    ...(tiers === undefined ? {} : { tiers: tiers.map(({ rates: own, ...tier }) => ({ ...tier, ...own })) }),
    ...(windows === undefined
      ? {}
      : { windows: windows.map(({ rates: own, ...window }) => ({ ...window, ...own })) }),
    ...(modifiers === undefined ? {} : { conditions: modifiers.map(written) }),
  };
}

function priceEntries({ provider, model, aliases, periods }: LayerPrice): Omit<NewOverride, 'tenantId'>[] {
  return periods.map((period) => {
    const prices = { ...(aliases === undefined ? {} : { aliases }), ...periodFields(period) };
    return dated({ kind: 'price', provider, model, prices }, period);
  });
}

function deploymentEntry(deployment: Deployment): Omit<NewOverride, 'tenantId'> {
  const { provider, name, model, modelProvider } = deployment;
  const prices = { model, ...(modelProvider === undefined ? {} : { model_provider: modelProvider }) };
  return dated({ kind: 'deployment', provider, model: name, prices }, deployment);
}

function discountEntry(discount: Discount): Omit<NewOverride, 'tenantId'> {
  const { provider, models, multiply, rates, subtract, currency } = discount;
  const prices = {
    ...(models === undefined ? {} : { models }),
    ...(multiply === undefined ? {} : { multiply }),
    ...(rates === undefined ? {} : { rates }),
    ...(subtract === undefined ? {} : { subtract }),
    ...(currency === undefined ? {} : { currency }),
  };
  return dated({ kind: 'discount', provider, model: models?.join(', ') ?? '*', prices }, discount);
}

function currencyEntry(rate: CurrencyRate): Omit<NewOverride, 'tenantId'> {
  const { currency, usd } = rate;
  return dated({ kind: 'currency', provider: '*', model: currency, prices: { usd } }, rate);
}

function layerEntries(tenantId: string, layer: PriceLayer): readonly NewOverride[] {
  return [
    ...layer.prices.flatMap(priceEntries),
    ...layer.deployments.map(deploymentEntry),
    ...layer.discounts.map(discountEntry),
    ...(layer.currencies ?? []).map(currencyEntry),
  ].map((entry) => ({ ...entry, tenantId }));
}

/** What a prices file says, entry by entry, to be stored. */
export function entriesOf(overrides: PriceOverrides): readonly NewOverride[] {
  return [
    ...layerEntries('', overrides.operator),
    ...[...overrides.tenants].flatMap(([tenant, layer]) => layerEntries(tenant, layer)),
  ];
}
