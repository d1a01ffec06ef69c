import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { REPOSITORY } from '../support/collector-process.ts';

interface Service {
  readonly image: string;
  readonly build?: { readonly context: string; readonly target: string };
  readonly pull_policy?: string;
  readonly user?: string;
  readonly read_only?: boolean;
  readonly command?: readonly string[];
  readonly entrypoint?: readonly string[];
  readonly profiles?: readonly string[];
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
  readonly networks?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly healthcheck?: { readonly test?: readonly string[]; readonly disable?: boolean };
  readonly cap_drop?: readonly string[];
}

interface Compose {
  readonly services: Readonly<Record<string, Service>>;
  readonly volumes: Readonly<Record<string, unknown>>;
  readonly networks: Readonly<Record<string, unknown>>;
}

const read = (file: string): string => readFileSync(join(REPOSITORY, file), 'utf8');

describe('docker-compose.yml', () => {
  const text = read('docker-compose.yml');
  const compose = parse(text, { merge: true }) as Compose;
  const services = Object.entries(compose.services);

  it('pins every image to a version', () => {
    for (const [name, { image, build }] of services) {
      assert.match(image, /:v?\d+\.\d+(\.\d+)?(-[a-z]+)?$/, name);
      if (build !== undefined) assert.match(image, /^spanmeter\//, name);
    }
    const nodes = read('Dockerfile').match(/^ARG NODE=(.*)$/m)?.[1];
    assert.match(nodes ?? '', /^node:\d+\.\d+\.\d+-/);
  });

  it('builds each of its own images once, before whoever uses it, and asks no registry for them', () => {
    const own = services.filter(([, { image }]) => image.startsWith('spanmeter/'));
    const builders = own.filter(([, { build }]) => build !== undefined);
    // Two builds that export one tag at once fail on a machine that does not have it yet.
    assert.deepEqual(
      builders.map(([name, { image }]) => [name, image]),
      [
        ['secrets', 'spanmeter/collector:0.1.0'],
        ['demo', 'spanmeter/demo:0.1.0'],
      ],
    );
    const needs = (name: string): string[] =>
      Object.keys(compose.services[name]?.depends_on ?? {}).flatMap((each) => [each, ...needs(each)]);
    for (const [name, { image, build, pull_policy: policy }] of own) {
      assert.equal(policy, build === undefined ? 'never' : 'build', name);
      const [builder] = builders.find(([, each]) => each.image === image) ?? [];
      assert.ok(builder === name || needs(name).includes(builder ?? ''), name);
    }
  });

  it('holds no password, key or token', () => {
    for (const [name, { environment = {} }] of services) {
      for (const [variable, value] of Object.entries(environment)) {
        if (!/PASSWORD|SECRET|TOKEN|KEY/.test(variable)) continue;
        assert.match(variable, /_FILE$/, `${name} ${variable}`);
        assert.match(value, /^\/run\/secrets\/spanmeter\//, `${name} ${variable}`);
      }
    }
    assert.doesNotMatch(text, /sm_[A-Za-z0-9]|postgres:\/\/[^ ]*:[^ ]*@/);
  });

  it('publishes every port on loopback only', () => {
    const ports = services.flatMap(([, service]) => service.ports ?? []);
    assert.ok(ports.length >= 6);
    for (const port of ports) assert.match(port, /^127\.0\.0\.1:\d+:\d+$/);
  });

  it('tells health without curl, and starts services in an order that works', () => {
    const isOneShot = (name: string): boolean =>
      services.some(
        ([, { depends_on: needs = {} }]) => needs[name]?.condition === 'service_completed_successfully',
      );
    for (const [name, { healthcheck, image, profiles, depends_on: needs = {} }] of services) {
      const test = healthcheck?.test;
      assert.doesNotMatch((test ?? []).join(' '), /curl/, name);
      // The collector's image brings its own.
      const known = test !== undefined || (image.startsWith('spanmeter/collector') && name === 'collector');
      assert.ok(known || isOneShot(name) || profiles !== undefined, `${name} has no health check`);
      for (const [needed, { condition }] of Object.entries(needs)) {
        assert.ok(compose.services[needed] !== undefined, `${name} needs ${needed}`);
        assert.equal(condition === 'service_completed_successfully', isOneShot(needed), `${name}: ${needed}`);
      }
    }
    assert.match(read('Dockerfile'), /^HEALTHCHECK .*deploy\/healthy\.mjs/m);
  });

  it('mounts only what the repository has or a volume that is declared', () => {
    const used = new Set<string>();
    for (const [name, service] of services) {
      for (const volume of service.volumes ?? []) {
        const [source = ''] = volume.split(':');
        const folder = /^\$\{SPANMETER_ALERT_SECRETS:-(\.\/[^}]*)\}/.exec(volume)?.[1];
        if (folder !== undefined) {
          // Docker would make it as root, and then nobody else could write the address of a webhook into it.
          assert.ok(existsSync(join(REPOSITORY, folder)), folder);
          continue;
        }
        if (source.startsWith('.')) {
          assert.ok(existsSync(join(REPOSITORY, source)), `${name}: ${source}`);
          assert.match(volume, /:ro$/, `${name}: ${volume}`);
        } else {
          used.add(source);
          assert.ok(source in compose.volumes, `${name}: ${source}`);
        }
      }
      for (const network of service.networks ?? []) assert.ok(network in compose.networks, network);
      for (const file of [...(service.command ?? []), ...(service.entrypoint ?? [])]) {
        if (/^(deploy\/|otel-config)/.test(file)) assert.ok(existsSync(join(REPOSITORY, file)), file);
      }
    }
    assert.deepEqual([...used].toSorted(), Object.keys(compose.volumes).toSorted());
  });

  it('leaves the plugins of Grafana as its image brings them, which it could not replace', () => {
    const { environment, read_only: isReadOnly } = compose.services['grafana']!;
    assert.equal(isReadOnly, true);
    assert.equal(environment?.['GF_PLUGINS_PREINSTALL_AUTO_UPDATE'], 'false');
    assert.equal(environment?.['GF_PLUGINS_PREINSTALL_DISABLED'], 'true');
  });

  it('has every folder of Grafana that something may be mounted at: what is mounted to read only takes no new one', () => {
    const folders = readdirSync(join(REPOSITORY, 'dashboards/grafana/provisioning'));
    assert.deepEqual(folders.toSorted(), ['alerting', 'dashboards', 'datasources', 'plugins']);
    for (const folder of ['alerting', 'plugins']) {
      // Nothing that Grafana would read: alerts are Prometheus' unless somebody wants otherwise.
      assert.deepEqual(readdirSync(join(REPOSITORY, 'dashboards/grafana/provisioning', folder)), [
        'README.md',
      ]);
    }
  });

  it('shows each service its own secrets, and to read only', () => {
    for (const [name, { volumes = [] }] of services) {
      const secrets = volumes.filter((volume) => /-secrets:/.test(volume));
      if (name === 'secrets') continue;
      assert.ok(secrets.length <= 1, name);
      for (const volume of secrets) assert.equal(volume, `${name}-secrets:/run/secrets/spanmeter:ro`);
    }
  });

  it('runs its own images as an unprivileged user, but for the one that gives secrets away', () => {
    const stages = read('Dockerfile')
      .split(/^FROM /m)
      .slice(1);
    const base = stages.find((stage) => / AS base$/m.test(stage)) ?? '';
    assert.match(base, /^USER node$/m);
    for (const target of ['demo', 'collector']) {
      const stage = stages.find((one) => one.startsWith(`base AS ${target}\n`));
      assert.ok(stage !== undefined, target);
      assert.doesNotMatch(stage, /^USER/m);
    }
    const privileged = services.filter(([, { user }]) => user !== undefined);
    assert.deepEqual(
      privileged.map(([name]) => name),
      ['secrets'],
    );
    for (const [name, { cap_drop: drop = [], image }] of services) {
      if (!image.startsWith('postgres:')) assert.deepEqual(drop, ['ALL'], name);
    }
  });

  it('keeps the traffic of the demo to its own profile', () => {
    const profiled = services.filter(([, { profiles }]) => profiles !== undefined);
    assert.deepEqual(
      profiled.map(([name, { profiles }]) => [name, profiles]),
      [['demo', ['demo']]],
    );
  });
});
