/** A data source as Grafana's provisioning has it. */
interface ProvisionedSource {
  readonly name: string;
  readonly uid: string;
  readonly type: string;
  readonly access: 'proxy';
  readonly url: string;
  readonly user?: string;
  readonly database?: string;
  readonly editable: false;
  readonly jsonData: Readonly<Record<string, unknown>>;
  readonly secureJsonData?: Readonly<Record<string, string>>;
}

/** Grafana's file of data sources. */
export interface DatasourceFile {
  readonly apiVersion: 1;
  readonly prune: true;
  readonly datasources: readonly ProvisionedSource[];
}

/** Stable uids of the data sources. */
export const DATASOURCES = { prometheus: 'spanmeter-prometheus', postgres: 'spanmeter-postgres' } as const;

/** The scrape interval of our own scrape file: `$__rate_interval` is four of them, so a wrong one empties rates. */
export const SCRAPE_INTERVAL = '15s';
const DATABASE = 'spanmeter';

/**
 * The data sources. Grafana puts in `$VARIABLES` from its environment when it starts, and `$` for `$$`. The
 * database is named twice: Grafana 10 and before read `database`, later ones `jsonData.database`. Neither is the
 * default one: where a team has one of its own already, Grafana would not start with a second.
 */
export function datasourceFile(traceUrl: string): DatasourceFile {
  return {
    apiVersion: 1,
    prune: true,
    datasources: [
      {
        name: 'Spanmeter Prometheus',
        uid: DATASOURCES.prometheus,
        type: 'prometheus',
        access: 'proxy',
        url: '$SPANMETER_PROMETHEUS_URL',
        editable: false,
        jsonData: {
          httpMethod: 'POST',
          timeInterval: SCRAPE_INTERVAL,
          prometheusType: 'Prometheus',
          exemplarTraceIdDestinations: [
            { name: 'trace_id', url: `${traceUrl}$\${__value.raw}`, urlDisplayLabel: 'Open trace' },
          ],
        },
      },
      {
        name: 'Spanmeter PostgreSQL',
        uid: DATASOURCES.postgres,
        type: 'grafana-postgresql-datasource',
        access: 'proxy',
        url: '$SPANMETER_POSTGRES_ADDRESS',
        user: 'spanmeter_grafana',
        database: DATABASE,
        editable: false,
        jsonData: {
          database: DATABASE,
          sslmode: '$SPANMETER_POSTGRES_SSLMODE',
          postgresVersion: 1500,
          timescaledb: false,
          maxOpenConns: 8,
          maxIdleConns: 4,
          maxIdleConnsAuto: false,
          connMaxLifetime: 14_400,
        },
        secureJsonData: { password: '$GF_SPANMETER_POSTGRES_PASSWORD' },
      },
    ],
  };
}
