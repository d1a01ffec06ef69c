import { JOBS } from '../rules/series.ts';

/** Where Prometheus finds the others. */
export interface Places {
  /** The collector's GenAI metrics, its own metrics, and Alertmanager, as `host:port`. */
  readonly metrics: string;
  readonly own: string;
  readonly alertmanager: string;
  /** Folder of the rule files, relative to the configuration or absolute. */
  readonly rules: string;
  /** File with the bearer token of 8889, where it asks for one. */
  readonly bearerFile?: string;
}

/** Names of docker-compose.yml. */
export const COMPOSE_PLACES: Places = {
  metrics: 'collector:8889',
  own: 'collector:8888',
  alertmanager: 'alertmanager:9093',
  rules: '/etc/prometheus/rules',
  bearerFile: '/run/secrets/spanmeter/metrics_token',
};

/** Everything on this machine, started from this folder. */
export const NATIVE_PLACES: Places = {
  metrics: '127.0.0.1:8889',
  own: '127.0.0.1:8888',
  alertmanager: '127.0.0.1:9093',
  rules: '../rules',
};

/** Prometheus' configuration. Exemplars need the flag `--enable-feature=exemplar-storage`. */
export function scrapeFile({ metrics, own, alertmanager, rules, bearerFile }: Places): object {
  const authorization = bearerFile === undefined ? {} : { authorization: { credentials_file: bearerFile } };
  return {
    global: { scrape_interval: '15s', scrape_timeout: '10s', evaluation_interval: '15s' },
    rule_files: [`${rules}/*.yml`],
    alerting: { alertmanagers: [{ static_configs: [{ targets: [alertmanager] }] }] },
    scrape_configs: [
      { job_name: JOBS.metrics, ...authorization, static_configs: [{ targets: [metrics] }] },
      { job_name: JOBS.own, static_configs: [{ targets: [own] }] },
    ],
  };
}
