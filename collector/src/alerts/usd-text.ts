import { divideHalfEven, formatPico } from '@spanmeter/processors';

const MAX_DECIMALS = 12;

/** An amount with so many decimals, rounded half to even as money is everywhere; in 1e-12 USD. */
function rounded(pico: bigint, decimals: number): bigint {
  const unit = 10n ** BigInt(MAX_DECIMALS - decimals);
  return divideHalfEven(pico, unit) * unit;
}

function dollars(pico: bigint, decimals: number): string {
  const shown = rounded(pico, decimals);
  const [whole = '0', fraction = ''] = formatPico(shown < 0n ? -shown : shown).split('.');
  const cents = fraction.replace(/0+$/, '').padEnd(2, '0');
  return `${shown < 0n ? '-' : ''}$${whole.replaceAll(/\B(?=(\d{3})+$)/g, ',')}.${cents}`;
}

/** The fewest decimals, from two, with which an amount or a comparison still says what is so. */
function decimalsFor(isShown: (decimals: number) => boolean): number {
  let decimals = 2;
  while (decimals < MAX_DECIMALS && !isShown(decimals)) decimals++;
  return decimals;
}

/** `$1,234.50`: two decimals, and more where two would show nothing. The amount is in 1e-12 USD. */
export function usdText(pico: bigint): string {
  return dollars(
    pico,
    decimalsFor((decimals) => pico === 0n || rounded(pico, decimals) !== 0n),
  );
}

/** `$12.50 > $10.00`: two decimals, and more where two would show nothing, or would not show that it is more. */
export function exceeds(spent: bigint, limit: bigint): string {
  const decimals = decimalsFor(
    (count) => rounded(spent, count) > rounded(limit, count) && rounded(limit, count) > 0n,
  );
  return `${dollars(spent, decimals)} > ${dollars(limit, decimals)}`;
}
