import { createHash } from 'node:crypto';
import { open, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { NO_OVERRIDES, type PriceLayer, type PriceOverrides } from '@spanmeter/processors';
import { MAX_FAULTS_SHOWN, readPriceDocument } from './price-document.ts';

/** Where files of own prices are. */
export interface PriceFileOptions {
  /** The operator's file; null where there is none. */
  readonly prices: string | null;
  /** A folder of one file for each tenant; null where there is none. */
  readonly tenantPrices: string | null;
  readonly maxFileBytes: number;
}

/** What all files say together. */
export interface PriceFiles {
  readonly overrides: PriceOverrides;
  /** SHA-256 of their names and contents. */
  readonly digest: string;
  /** Files of tenants. */
  readonly tenantFiles: number;
}

/** Far above any real price list; a larger file is a mistake. */
export const DEFAULT_MAX_FILE_BYTES: number = 8 * 1024 * 1024;
/** Files of tenants, and all of their bytes together as a multiple of one file's. */
const MAX_TENANT_FILES = 10_000;
const MAX_TOTAL_FACTOR = 8;
const PRICE_FILE = /^([^.].*)\.(?:ya?ml|json)$/;

/** Prices that cannot be used, with every fault on a line of its own. */
export class PriceFilesError extends Error {
  readonly faults: readonly string[];
  readonly faultCount: number;
  /** SHA-256 of what was read; null where it could not be. */
  readonly digest: string | null;

  constructor(faults: readonly string[], count: number, digest: string | null, options: ErrorOptions = {}) {
    const shown = faults.slice(0, MAX_FAULTS_SHOWN).map((fault) => `\n  ${fault}`);
    const more = count > shown.length ? `\n  and ${count - shown.length} more` : '';
    const found = count === 1 ? 'is one fault' : `are ${count} faults`;
    super(`the prices cannot be used, there ${found}:${shown.join('')}${more}`, options);
    this.name = 'PriceFilesError';
    this.faults = faults.slice(0, MAX_FAULTS_SHOWN);
    this.faultCount = count;
    this.digest = digest;
  }
}

interface NamedFile {
  readonly path: string;
  /** Null for the operator's. */
  readonly tenant: string | null;
}

function unreadable(path: string, error: unknown): PriceFilesError {
  const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
  const why = code === 'ENOENT' ? 'does not exist' : `cannot be read (${code})`;
  return new PriceFilesError([`${path} ${why}`], 1, null, { cause: error });
}

/** The tenant that a file is for: its name, in which `%2F` and the like stand for what no file name can have. */
function tenantOf(name: string): string | null {
  const base = PRICE_FILE.exec(name)?.[1];
  if (base === undefined) return null;
  try {
    return decodeURIComponent(base);
  } catch {
    return base;
  }
}

/** The files that there are now, the operator's first, then by tenant. Rejects with PriceFilesError. */
export async function listPriceFiles(options: PriceFileOptions): Promise<readonly NamedFile[]> {
  const { prices, tenantPrices } = options;
  const files: NamedFile[] = prices === null ? [] : [{ path: prices, tenant: null }];
  if (tenantPrices === null) return files;
  let names: readonly string[];
  try {
    names = await readdir(tenantPrices);
  } catch (error) {
    throw unreadable(tenantPrices, error);
  }
  const seen = new Map<string, string>();
  for (const name of names.toSorted()) {
    const tenant = tenantOf(name);
    if (tenant === null) continue;
    const other = seen.get(tenant);
    if (other !== undefined) {
      throw new PriceFilesError(
        [`${tenantPrices} has two files for ${tenant}: ${other} and ${name}`],
        1,
        null,
      );
    }
    seen.set(tenant, name);
    files.push({ path: join(tenantPrices, name), tenant });
  }
  if (seen.size > MAX_TENANT_FILES) {
    const fault = `${tenantPrices} has ${seen.size} files; ${MAX_TENANT_FILES} are the most`;
    throw new PriceFilesError([fault], 1, null);
  }
  return files;
}

/**
 * Reads at most what a file may have; its size is looked at first, so that a huge one costs nothing. Rejects with
 * PriceFilesError.
 */
export async function readBounded(path: string, maxBytes: number): Promise<Buffer> {
  const tooLarge = (size: string): PriceFilesError =>
    new PriceFilesError([`${path} has ${size} bytes; a prices file has at most ${maxBytes}`], 1, null);
  try {
    const found = await stat(path);
    if (!found.isFile()) throw new PriceFilesError([`${path} is not a file`], 1, null);
    if (found.size > maxBytes) throw tooLarge(String(found.size));
    const file = await open(path, 'r');
    try {
      const bytes = Buffer.alloc(found.size + 1);
      let read = 0;
      for (let more = -1; more !== 0 && read < bytes.length; read += more) {
        more = (await file.read(bytes, read, bytes.length - read, read)).bytesRead;
      }
      // It grew after its size was taken: what is being written is read at the next look.
      if (read > found.size) throw new PriceFilesError([`${path} changes while it is read`], 1, null);
      return bytes.subarray(0, read);
    } finally {
      await file.close();
    }
  } catch (error) {
    throw error instanceof PriceFilesError ? error : unreadable(path, error);
  }
}

/** Collects what files say, and every fault of all of them. */
class Collected {
  readonly faults: string[] = [];
  readonly tenants = new Map<string, PriceLayer>();
  readonly #digest = createHash('sha256');
  faultCount = 0;
  #tenantFiles = 0;
  #operator = NO_OVERRIDES.operator;

  fault(text: string, count = 1): void {
    this.faultCount += count;
    if (this.faults.length < MAX_FAULTS_SHOWN) this.faults.push(text);
  }

  add(file: NamedFile, bytes: Buffer): void {
    if (file.tenant !== null) this.#tenantFiles++;
    this.#digest.update(`${file.path}\0${bytes.length}\0`).update(bytes);
    if (bytes.toString('latin1').trim() === '') {
      this.fault(`${file.path} is empty; a file without prices says "prices: []"`);
      return;
    }
    const currencies = (this.#operator.currencies ?? []).map(({ currency }) => currency);
    const document = readPriceDocument(
      file.path,
      bytes,
      file.tenant === null ? {} : { tenants: false, currencies },
    );
    for (const fault of document.faults) this.fault(fault);
    this.faultCount += document.faultCount - document.faults.length;
    const { operator, tenants } = document.overrides;
    if (file.tenant === null) {
      this.#operator = operator;
      for (const [tenant, layer] of tenants) this.tenants.set(tenant, layer);
    } else if (this.tenants.has(file.tenant)) {
      this.fault(`${file.path} is the second place with prices of ${file.tenant}: "tenants" has them, too`);
    } else this.tenants.set(file.tenant, operator);
  }

  result(): PriceFiles {
    const digest = this.#digest.digest('hex');
    if (this.faultCount > 0) throw new PriceFilesError(this.faults, this.faultCount, digest);
    const overrides = { operator: this.#operator, tenants: this.tenants };
    return { overrides, digest, tenantFiles: this.#tenantFiles };
  }
}

/** Reads all files of own prices. Rejects with PriceFilesError, which has every fault by file, line and column. */
export async function readPriceFiles(options: PriceFileOptions): Promise<PriceFiles> {
  const collected = new Collected();
  let left = options.maxFileBytes * MAX_TOTAL_FACTOR;
  for (const file of await listPriceFiles(options)) {
    try {
      const bytes = await readBounded(file.path, options.maxFileBytes);
      left -= bytes.length;
      if (left < 0) {
        collected.fault(`all files together have more than ${options.maxFileBytes * MAX_TOTAL_FACTOR} bytes`);
        break;
      }
      collected.add(file, bytes);
    } catch (error) {
      if (!(error instanceof PriceFilesError)) throw error;
      for (const fault of error.faults) collected.fault(fault);
    }
  }
  return collected.result();
}
