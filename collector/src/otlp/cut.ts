import { OFFSET_STRIDE, type SpanOffsets } from '../pipeline/entry.ts';
import { lengthStart, varintSize, writeVarint } from './wire.ts';

/** Where one ScopeSpans is: its field (tag and length included) begins at `field`, its content is [start, end). */
export interface ScopeNote {
  readonly field: number;
  readonly start: number;
  readonly end: number;
  /** Its GenAI spans are `genAi` entries of the offsets from `firstGenAi`. */
  readonly firstGenAi: number;
  genAi: number;
  /** Spans to cut out: begin and end of each field, in order. */
  readonly cuts: number[];
}

/** Where one ResourceSpans is. */
export interface ResourceNote {
  readonly field: number;
  readonly start: number;
  readonly end: number;
  readonly scopes: ScopeNote[];
}

interface Output {
  readonly source: Uint8Array;
  readonly target: Uint8Array;
  readonly offsets: SpanOffsets;
  /** What lies before this in the source has been dealt with. */
  from: number;
  /** Where the target goes on. */
  to: number;
}

/** Content length of a scope without its refused spans. */
function scopeLength(scope: ScopeNote): number {
  let length = scope.end - scope.start;
  for (let i = 0; i < scope.cuts.length; i += 2)
    length -= numberAt(scope.cuts, i + 1) - numberAt(scope.cuts, i);
  return length;
}

const numberAt = (numbers: ArrayLike<number>, index: number): number => numbers[index] as number;

/** How many bytes a length-delimited field loses when its content, now at [start, end), becomes `length` long. */
function shrinkage(source: Uint8Array, start: number, end: number, length: number): number {
  if (length === end - start) return 0;
  return end - lengthStart(source, start) - varintSize(length) - length;
}

function resourceLength(source: Uint8Array, resource: ResourceNote, onlyGenAi: boolean): number {
  let length = resource.end - resource.start;
  for (const scope of resource.scopes) {
    if (onlyGenAi && scope.genAi === 0) length -= scope.end - scope.field;
    else length -= shrinkage(source, scope.start, scope.end, scopeLength(scope));
  }
  return length;
}

const hasGenAi = (resource: ResourceNote): boolean => resource.scopes.some((scope) => scope.genAi > 0);

/**
 * Rewrites a checked request without the spans to cut and, with `onlyGenAi`, without scopes and resources that
 * hold no GenAI span; all else is copied byte for byte. The same array comes back where nothing is cut.
 */
export function cutSpans(
  source: Uint8Array,
  offsets: SpanOffsets,
  resources: readonly ResourceNote[],
  onlyGenAi: boolean,
): { body: Uint8Array; offsets: SpanOffsets } {
  const lengths = resources.map((resource) =>
    onlyGenAi && !hasGenAi(resource) ? -1 : resourceLength(source, resource, onlyGenAi),
  );
  let size = source.length;
  resources.forEach((resource, i) => {
    const length = numberAt(lengths, i);
    size -=
      length < 0 ? resource.end - resource.field : shrinkage(source, resource.start, resource.end, length);
  });
  if (size === source.length) return { body: source, offsets };
  const output: Output = {
    source,
    target: new Uint8Array(size),
    offsets: new Uint32Array(offsets.length),
    from: 0,
    to: 0,
  };
  resources.forEach((resource, i) => {
    const length = numberAt(lengths, i);
    if (length < 0) skip(output, resource.field, resource.end);
    else writeResource(output, offsets, resource, length, onlyGenAi);
  });
  copy(output, source.length);
  return { body: output.target, offsets: output.offsets };
}

function copy(output: Output, until: number): void {
  output.target.set(output.source.subarray(output.from, until), output.to);
  output.to += until - output.from;
  output.from = until;
}

function skip(output: Output, start: number, end: number): void {
  copy(output, start);
  output.from = end;
}

/** Copies up to and with the tag of the field whose content is at [start, end) and writes its new length. */
function open(output: Output, start: number, end: number, length: number): number {
  if (length !== end - start) {
    copy(output, lengthStart(output.source, start));
    output.to = writeVarint(output.target, output.to, length);
    output.from = start;
  }
  return output.to + start - output.from;
}

function writeResource(
  output: Output,
  offsets: SpanOffsets,
  resource: ResourceNote,
  length: number,
  onlyGenAi: boolean,
): void {
  const start = open(output, resource.start, resource.end, length);
  for (const scope of resource.scopes) {
    if (onlyGenAi && scope.genAi === 0) {
      skip(output, scope.field, scope.end);
      continue;
    }
    const kept = scopeLength(scope);
    const scopeStart = open(output, scope.start, scope.end, kept);
    let cut = 0;
    for (let span = scope.firstGenAi; span < scope.firstGenAi + scope.genAi; span++) {
      const base = span * OFFSET_STRIDE;
      const spanStart = numberAt(offsets, base + 4);
      for (; cut < scope.cuts.length && numberAt(scope.cuts, cut) < spanStart; cut += 2) {
        skip(output, numberAt(scope.cuts, cut), numberAt(scope.cuts, cut + 1));
      }
      const moved = output.to - output.from;
      output.offsets[base] = start;
      output.offsets[base + 1] = start + length;
      output.offsets[base + 2] = scopeStart;
      output.offsets[base + 3] = scopeStart + kept;
      output.offsets[base + 4] = spanStart + moved;
      output.offsets[base + 5] = numberAt(offsets, base + 5) + moved;
    }
    for (; cut < scope.cuts.length; cut += 2) {
      skip(output, numberAt(scope.cuts, cut), numberAt(scope.cuts, cut + 1));
    }
  }
}
