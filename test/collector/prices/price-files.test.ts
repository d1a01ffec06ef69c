import assert from 'node:assert/strict';
import { mkdir, open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  PriceFilesError,
  readPriceFiles,
  type PriceFiles,
} from '@spanmeter/collector/dist/prices/price-files.js';
import { readPriceFilesApart } from '@spanmeter/collector/dist/prices/read-apart.js';
import { useTempDir } from '../../support/temp-dir.ts';

const PRICE = 'prices: [{ provider: openai, model: gpt-4o, input_mtok: 1 }]\n';

describe('files of own prices', () => {
  const directory = useTempDir();
  const at = (...names: readonly string[]): string => join(directory.path, ...names);

  const read = (
    prices: string | null,
    tenantPrices: string | null = null,
    maxFileBytes = 8192,
  ): Promise<PriceFiles> => readPriceFiles({ prices, tenantPrices, maxFileBytes });

  async function faultsOf(reading: Promise<unknown>): Promise<readonly string[]> {
    const error: unknown = await reading.then(
      () => null,
      (reason: unknown) => reason,
    );
    assert.ok(error instanceof PriceFilesError, String(error));
    return error.faults;
  }

  it("are the operator's and one for each tenant, whose name stands for any id", async () => {
    await writeFile(
      at('prices.yaml'),
      `currencies: { EUR: [{ usd: 1.1 }] }\ntenants: { acme: { ${PRICE.trim()} } }\n`,
    );
    await mkdir(at('tenants'));
    await writeFile(at('tenants', 'globex.yaml'), PRICE.replace('input', 'currency: EUR, input'));
    await writeFile(at('tenants', 'a%2Fb.yml'), PRICE);
    await writeFile(at('tenants', '__proto__.json'), '{"prices": []}');
    await writeFile(at('tenants', '.hidden.yaml'), 'not: read');
    await writeFile(at('tenants', 'notes.txt'), 'not: read');
    const { overrides, digest } = await read(at('prices.yaml'), at('tenants'));
    assert.deepEqual([...overrides.tenants.keys()].toSorted(), ['__proto__', 'a/b', 'acme', 'globex']);
    assert.match(digest, /^[0-9a-f]{64}$/);
    assert.equal((await read(at('prices.yaml'), at('tenants'))).digest, digest);
    await writeFile(at('tenants', 'a%2Fb.yml'), `${PRICE} `);
    assert.notEqual((await read(at('prices.yaml'), at('tenants'))).digest, digest);
  });

  it('are refused with the faults of all of them at once', async () => {
    await writeFile(at('prices.yaml'), 'prices: 7\n');
    await mkdir(at('tenants'));
    await writeFile(at('tenants', 'acme.yaml'), 'tenants: {}\n');
    await writeFile(at('tenants', 'globex.yaml'), PRICE.replace('1 }', '1, currency: EUR }'));
    await writeFile(at('tenants', 'quiet.yaml'), ' \n');
    assert.deepEqual(await faultsOf(read(at('prices.yaml'), at('tenants'))), [
      `${at('prices.yaml')}:1:1 prices must be a list`,
      `${at('tenants', 'acme.yaml')}:1:1 tenants is not an option here`,
      `${at('tenants', 'globex.yaml')}:1:60 prices[0].currency no rate of EUR is given under "currencies"`,
      `${at('tenants', 'quiet.yaml')} is empty; a file without prices says "prices: []"`,
    ]);
  });

  it('have one place for each tenant', async () => {
    await writeFile(at('prices.yaml'), `tenants: { acme: { ${PRICE.trim()} } }\n`);
    await mkdir(at('tenants'));
    await writeFile(at('tenants', 'acme.yaml'), PRICE);
    const [fault] = await faultsOf(read(at('prices.yaml'), at('tenants')));
    assert.match(fault ?? '', /acme\.yaml is the second place with prices of acme/);
    await writeFile(at('tenants', 'acme.json'), '{"prices": []}');
    const [twice] = await faultsOf(read(null, at('tenants')));
    assert.match(twice ?? '', /has two files for acme: acme\.json and acme\.yaml/);
  });

  it('are refused by their size before they are read', async () => {
    const file = await open(at('prices.yaml'), 'w');
    // More than can be read into memory; nothing of it is on the disk.
    await file.truncate(50 * 1024 ** 3);
    await file.close();
    const [fault] = await faultsOf(read(at('prices.yaml')));
    assert.equal(fault, `${at('prices.yaml')} has 53687091200 bytes; a prices file has at most 8192`);
  });

  it('are files that are there', async () => {
    assert.match((await faultsOf(read(at('none.yaml'))))[0] ?? '', /none\.yaml does not exist$/);
    assert.match((await faultsOf(read(null, at('none'))))[0] ?? '', /none does not exist$/);
    assert.match((await faultsOf(read(directory.path)))[0] ?? '', /is not a file$/);
    assert.match((await faultsOf(read('/dev/zero')))[0] ?? '', /is not a file$/);
  });

  it('read in a thread of its own say the same', async function () {
    await writeFile(at('prices.yaml'), `tenants: { acme: { ${PRICE.trim()} } }\n`);
    const options = { prices: at('prices.yaml'), tenantPrices: null, maxFileBytes: 8192 };
    const never = new AbortController().signal;
    assert.deepEqual(await readPriceFilesApart(options, never), await readPriceFiles(options));
    await writeFile(at('prices.yaml'), 'prices: 7\n');
    assert.deepEqual(
      await faultsOf(readPriceFilesApart(options, never)),
      await faultsOf(readPriceFiles(options)),
    );
    const stop = new AbortController();
    const stopped = faultsOf(readPriceFilesApart(options, stop.signal));
    stop.abort();
    assert.match((await stopped)[0] ?? '', /could not be read/);
  });
});
