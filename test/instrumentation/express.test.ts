import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { Express } from 'express';
import { recordCall } from '@spanmeter/instrumentation';
import { attribution, type AttributedRequest } from '@spanmeter/instrumentation/express';
import { installSet, setFolder } from '../support/sdk-set.ts';
import { globalLab, type GlobalLab } from './global-lab.ts';

type MakeExpress = (() => Express) & { json(): never };

const VERSIONS: Readonly<Record<string, () => Promise<string>>> = {
  5: () => Promise.resolve(import.meta.url),
  4: async () => {
    await installSet('express-previous');
    return join(setFolder('express-previous'), 'package.json');
  },
};

interface AppRequest extends AttributedRequest {
  readonly auth?: { readonly tenant: string };
}

function call(): void {
  recordCall({ provider: 'mine', model: 'm1' });
}

for (const [version, home] of Object.entries(VERSIONS)) {
  describe(`the middleware of Express ${version}`, function () {
    let express: MakeExpress;
    let lab: GlobalLab;
    let server: Server;

    before(async () => {
      const require = createRequire(await home());
      express = require('express') as MakeExpress;
      assert.equal((require('express/package.json') as { version: string }).version[0], version);
    });

    afterEach(async () => {
      server.closeAllConnections();
      server.close();
      await lab.close();
    });

    async function start(prepare: (app: Express) => void): Promise<string> {
      lab = globalLab();
      const app = express();
      prepare(app);
      server = app.listen(0, '127.0.0.1');
      await once(server, 'listening');
      return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    }

    const told = (): unknown[][] =>
      lab
        .spans()
        .map(({ attributes }) => ['tenant.id', 'user.id', 'spanmeter.feature'].map((key) => attributes[key]));

    it('attributes calls of the whole request, by headers and functions', async () => {
      const url = await start((app) => {
        app.use((request, _response, next) => {
          Object.assign(request, { auth: { tenant: `tenant-of-${request.header('authorization')}` } });
          next();
        });
        app.use(
          attribution<AppRequest>({
            tenant: (request) => request.auth?.tenant,
            user: 'X-User-Id',
            feature: () => 'search',
          }) as never,
        );
        app.use(express.json());
        app.post('/ask', (request, response) => {
          call();
          void Promise.resolve()
            .then(call)
            .then(() => {
              setImmediate(() => {
                call();
                response.json(request.body);
              });
            });
        });
        app.get('/stream', async (_request, response) => {
          for (let index = 0; index < 3; index++) {
            response.write(`data: ${index}\n\n`);
            await new Promise((resolve) => setImmediate(resolve));
            call();
          }
          response.end();
        });
      });
      const ask = (tenant: string, user: string): Promise<Response> =>
        fetch(`${url}/ask`, {
          method: 'POST',
          headers: { authorization: tenant, 'x-user-id': user, 'content-type': 'application/json' },
          body: '{"q":1}',
        });
      const answers = await Promise.all([ask('a', 'u1'), ask('b', 'u2')]);
      assert.deepEqual(await answers[0].json(), { q: 1 });
      assert.deepEqual(
        told().toSorted((a, b) => String(a).localeCompare(String(b))),
        ['a', 'b'].flatMap((tenant, index) =>
          Array.from({ length: 3 }, () => [`tenant-of-${tenant}`, `u${index + 1}`, 'search']),
        ),
      );
      await (await fetch(`${url}/stream`, { headers: { authorization: 'c' } })).text();
      assert.deepEqual(
        told().slice(6),
        Array.from({ length: 3 }, () => ['tenant-of-c', undefined, 'search']),
      );
    });

    it('attributes what listens to the request and to the end of the response', async () => {
      const url = await start((app) => {
        app.use(attribution({ tenant: 'x-tenant' }) as never);
        app.post('/', (request, response) => {
          request.on('data', () => call());
          request.on('end', () => {
            call();
            response.on('finish', call);
            response.end('done');
          });
        });
      });
      const response = await fetch(url, { method: 'POST', headers: { 'x-tenant': 'acme' }, body: 'x' });
      assert.equal(await response.text(), 'done');
      assert.deepEqual(
        told().map(([tenant]) => tenant),
        ['acme', 'acme', 'acme'],
      );
    });

    it('lets a request go on whose sources fail, give nothing or too much', async () => {
      const url = await start((app) => {
        app.use(
          attribution({
            tenant: () => {
              throw new Error('no session');
            },
            user: () => 42,
            team: () => 'x'.repeat(257),
            feature: 'x-feature',
          }) as never,
        );
        app.get('/', (_request, response) => {
          call();
          response.send('ok');
        });
      });
      assert.equal(await (await fetch(url)).text(), 'ok');
      assert.deepEqual(told(), [[undefined, '42', undefined]]);
      assert.equal(lab.spans()[0]?.attributes['team.id'], undefined);
    });
  });
}
