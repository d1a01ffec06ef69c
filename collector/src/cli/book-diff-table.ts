import type { ModelDiff } from '@spanmeter/processors';
import { bold, printable, type CliContext } from './output.ts';
import { filledText } from './text-block.ts';

/** Changes of one model that are shown; a book whose every price moved is better read as JSON. */
const MAX_CHANGES = 40;
const MAX_MODELS = 500;

const SIGNS: Readonly<Record<ModelDiff['kind'], string>> = { added: '+', removed: '-', changed: '~' };

function since(from: string | null): string {
  return from === null ? '' : ` (from ${from})`;
}

/** A model that only one book has is said in one line; of one that both have, each change in its own. */
function modelText(diff: ModelDiff, columns: number): string {
  const whose = diff.layer === 'list' ? '' : ` [${diff.layer}]`;
  const name = printable(`${SIGNS[diff.kind]} ${diff.provider} ${diff.model}${whose}`);
  if (diff.kind !== 'changed') {
    const says = diff.changes
      .filter(({ what }) => what !== 'valid to' && !what.startsWith('name '))
      .map(({ what, before, after, from }) => `${what} ${after ?? before ?? ''}${since(from)}`);
    return filledText(printable(`${name}  ${says.slice(0, MAX_CHANGES).join('; ')}`), columns);
  }
  const lines = diff.changes.slice(0, MAX_CHANGES).map(({ what, before, after, from }) => {
    const change =
      before === null ? `+ ${after ?? ''}` : after === null ? `- ${before}` : `${before} -> ${after}`;
    return filledText(printable(`    ${what}  ${change}${since(from)}`), columns);
  });
  const rest = diff.changes.length - lines.length;
  return `${name}\n${lines.join('')}${rest > 0 ? `    and ${rest} more (--format json)\n` : ''}`;
}

/** The differences for people, model by model, and how many there are. */
export function bookDiffTable(
  models: readonly ModelDiff[],
  { columns, colours }: Pick<CliContext, 'columns' | 'colours'>,
): string {
  if (models.length === 0) return 'Nothing differs.\n';
  const count = (kind: ModelDiff['kind']): number => models.filter((diff) => diff.kind === kind).length;
  const shown = models.slice(0, MAX_MODELS).map((diff) => modelText(diff, columns));
  const cut =
    models.length > MAX_MODELS ? `and ${models.length - MAX_MODELS} more models (--format json)\n` : '';
  const total = `${count('added')} added, ${count('removed')} removed, ${count('changed')} changed`;
  return `${shown.join('')}${cut}\n${bold(total, colours)}\n`;
}
