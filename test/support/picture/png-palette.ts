import { deflateSync, inflateSync, crc32 } from 'node:zlib';

/** Pixels without transparency, three bytes each. */
interface Pixels {
  readonly width: number;
  readonly height: number;
  readonly rgb: Uint8Array;
}

const SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
const MAX_COLORS = 256;
const RGB = 2;
const RGBA = 6;
const PALETTE = 3;

function paeth(left: number, up: number, corner: number): number {
  const guess = left + up - corner;
  const [a, b, c] = [Math.abs(guess - left), Math.abs(guess - up), Math.abs(guess - corner)];
  return a <= b && a <= c ? left : b <= c ? up : corner;
}

function unfilter(raw: Uint8Array, height: number, stride: number, size: number): Uint8Array {
  const out = new Uint8Array(height * stride);
  for (let row = 0; row < height; row++) {
    const filter = raw[row * (stride + 1)]!;
    for (let i = 0; i < stride; i++) {
      const at = row * stride + i;
      const left = i >= size ? out[at - size]! : 0;
      const up = row > 0 ? out[at - stride]! : 0;
      const corner = row > 0 && i >= size ? out[at - stride - size]! : 0;
      const add = [0, left, up, (left + up) >> 1, paeth(left, up, corner)][filter]!;
      out[at] = raw[row * (stride + 1) + 1 + i]! + add;
    }
  }
  return out;
}

/** Reads a PNG of eight bits a channel, as browsers write it; throws on any other. */
function decode(png: Buffer): Pixels {
  const width = png.readUInt32BE(16);
  const height = png.readUInt32BE(20);
  const [depth, kind] = [png[24], png[25]];
  if (depth !== 8 || (kind !== RGB && kind !== RGBA)) throw new Error(`a PNG of kind ${depth}/${kind}`);
  const size = kind === RGB ? 3 : 4;
  const parts: Buffer[] = [];
  for (let at = SIGNATURE.length; at < png.length;) {
    const length = png.readUInt32BE(at);
    if (png.toString('latin1', at + 4, at + 8) === 'IDAT') parts.push(png.subarray(at + 8, at + 8 + length));
    at += length + 12;
  }
  const bytes = unfilter(inflateSync(Buffer.concat(parts)), height, width * size, size);
  if (size === 3) return { width, height, rgb: bytes };
  const rgb = new Uint8Array(width * height * 3);
  for (let pixel = 0; pixel < width * height; pixel++)
    rgb.set(bytes.subarray(pixel * 4, pixel * 4 + 3), pixel * 3);
  return { width, height, rgb };
}

function chunk(type: string, content: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), content]);
  const out = Buffer.alloc(body.length + 8);
  out.writeUInt32BE(content.length, 0);
  body.copy(out, 4);
  out.writeUInt32BE(crc32(body), body.length + 4);
  return out;
}

/** The colours that are used most, alike ones as one, most used first. */
function paletteOf(rgb: Uint8Array): number[] {
  const uses = new Map<number, number>();
  for (let i = 0; i < rgb.length; i += 3) {
    const color = (rgb[i]! << 16) | (rgb[i + 1]! << 8) | rgb[i + 2]!;
    uses.set(color, (uses.get(color) ?? 0) + 1);
  }
  const byUse = [...uses].toSorted(([, a], [, b]) => b - a).map(([color]) => color);
  const cells = new Set<number>();
  const chosen: number[] = [];
  for (const color of byUse) {
    const cell = color & 0xf0f0f0;
    if (cells.has(cell) && chosen.length > 64) continue;
    cells.add(cell);
    chosen.push(color);
    if (chosen.length === MAX_COLORS) break;
  }
  return chosen;
}

function nearest(palette: readonly number[], color: number): number {
  let best = 0;
  let least = Infinity;
  palette.forEach((one, index) => {
    const [r, g, b] = [
      (one >> 16) - (color >> 16),
      ((one >> 8) & 255) - ((color >> 8) & 255),
      (one & 255) - (color & 255),
    ];
    const distance = r * r + g * g + b * b;
    if (distance < least) [least, best] = [distance, index];
  });
  return best;
}

/** The same picture with at most 256 colours: a third of the size, and nobody sees it on a dashboard. */
export function withPalette(png: Buffer): Buffer {
  const { width, height, rgb } = decode(png);
  const palette = paletteOf(rgb);
  const known = new Map(palette.map((color, index) => [color, index]));
  const rows = Buffer.alloc(height * (width + 1));
  for (let pixel = 0; pixel < width * height; pixel++) {
    const i = pixel * 3;
    const color = (rgb[i]! << 16) | (rgb[i + 1]! << 8) | rgb[i + 2]!;
    let index = known.get(color);
    if (index === undefined) {
      index = nearest(palette, color);
      known.set(color, index);
    }
    rows[Math.floor(pixel / width) * (width + 1) + 1 + (pixel % width)] = index;
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, PALETTE, 0, 0, 0], 8);
  const colors = Buffer.from(palette.flatMap((color) => [color >> 16, (color >> 8) & 255, color & 255]));
  const packed = deflateSync(rows, { level: 9, memLevel: 9 });
  return Buffer.concat([
    SIGNATURE,
    chunk('IHDR', header),
    chunk('PLTE', colors),
    chunk('IDAT', packed),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}
