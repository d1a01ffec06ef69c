/** A place in a prices file: the keys and list positions that lead to it, from the top. */
export interface Place {
  readonly parent: Place | null;
  /** The top has an empty key. */
  readonly key: string | number;
}

/** The top of a file. */
export const TOP: Place = { parent: null, key: '' };

/** The place of a key or list position within another. */
export function within(parent: Place, key: string | number): Place {
  return { parent, key };
}

/** Keys and positions from the top. */
export function stepsOf(place: Place): readonly (string | number)[] {
  const steps: (string | number)[] = [];
  for (let at: Place = place; at.parent !== null; at = at.parent) steps.push(at.key);
  return steps.toReversed();
}

/** A place for people: `tenants.acme.prices[0].input_mtok`; empty for the top. */
export function pathOf(place: Place): string {
  let path = '';
  for (const step of stepsOf(place)) {
    if (typeof step === 'number') path += `[${step}]`;
    else path += path === '' ? step : `.${step}`;
  }
  return path;
}
