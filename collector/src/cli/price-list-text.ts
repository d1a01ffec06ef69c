import { RATE_UNITS, type ListedPrice, type Rates } from '@spanmeter/processors';
import { grouped, printable, type CliContext } from './output.ts';
import { windowText } from './price-explained.ts';
import { filledText } from './text-block.ts';

function ratesText(rates: Rates, indent: string): string {
  const rows = Object.entries(rates).map(([name, usd]) => ({
    name,
    usd,
    unit: RATE_UNITS[name as keyof Rates],
  }));
  const width = Math.max(0, ...rows.map((row) => row.name.length));
  const amounts = Math.max(0, ...rows.map((row) => row.usd.length));
  return rows
    .map(({ name, usd, unit }) => {
      const per = unit.per === 1 ? '' : `${grouped(String(unit.per))} `;
      return `${indent}${name.padEnd(width)}  ${usd.padStart(amounts)} USD per ${per}${unit.of}\n`;
    })
    .join('');
}

/** The rates of a model, alone and with their tiers, hours and conditions, for people. */
export function priceListText(listed: ListedPrice, { columns }: Pick<CliContext, 'columns'>): string {
  const { price, modifiers } = listed;
  const parts = [price.free === true ? 'Everything is free.\n' : `Rates\n${ratesText(price.rates, '  ')}`];
  if (price.leastSeconds !== undefined)
    parts.push(`A call is billed for ${price.leastSeconds} seconds of audio at least.\n`);
  for (const { above, inclusive, rates } of price.tiers ?? []) {
    const bound = `${inclusive === true ? 'from' : 'above'} ${grouped(String(above))}`;
    parts.push(`Of the whole request ${bound} tokens of input, cache included\n${ratesText(rates, '  ')}`);
  }
  for (const window of price.windows ?? []) {
    parts.push(`At ${windowText(window)}\n${ratesText(window.rates, '  ')}`);
    if (window.except !== undefined)
      parts.push(filledText(`  not on ${window.except.join(', ')}`, columns, false));
  }
  if (modifiers.length > 0) {
    const lines = modifiers.map(({ condition, value, multiply, factors, rates, tiers, standard }) => {
      const says = [
        ...(multiply === undefined ? [] : [`token rates x ${multiply}`]),
        ...Object.entries(factors ?? {}).map(([name, factor]) => `${name} x ${factor}`),
        ...Object.entries(rates ?? {}).map(([name, usd]) => `${name} ${usd}`),
        ...(tiers === undefined ? [] : ['other rates by context size']),
        ...(standard === true ? ['also where a call does not say'] : []),
      ];
      const which = value === '*' ? `any other ${condition}` : `${condition} ${value}`;
      return filledText(printable(`  ${which}: ${says.join(', ')}`), columns);
    });
    parts.push(`Conditions\n${lines.join('')}`);
  }
  if (listed.aliases.length > 0) {
    parts.push(filledText(printable(`Also called ${listed.aliases.join(', ')}`), columns));
  }
  return parts.join('');
}
