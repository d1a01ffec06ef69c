import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Preview } from '@spanmeter/dashboards/dist/preview/page.js';
import { withPalette } from './png-palette.ts';

const run = promisify(execFile);
const LIMIT_MS = 60_000;
/** Nothing of the machine's own profile, and nothing from the network. */
const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--hide-scrollbars',
];

/** Photographs a page by a Chromium of its own; resolves with a PNG of at most 256 colours. */
export async function photograph(chromium: string, page: Preview, scale: number = 1): Promise<Buffer> {
  const folder = await mkdtemp(join(tmpdir(), 'spanmeter-picture-'));
  try {
    const file = join(folder, 'page.html');
    const picture = join(folder, 'page.png');
    await writeFile(file, page.html);
    const window = [
      `--user-data-dir=${join(folder, 'profile')}`,
      `--window-size=${page.widthPx},${page.heightPx}`,
      `--force-device-scale-factor=${scale}`,
      `--screenshot=${picture}`,
    ];
    await run(chromium, [...FLAGS, ...window, `file://${file}`], { timeout: LIMIT_MS });
    return withPalette(await readFile(picture));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
