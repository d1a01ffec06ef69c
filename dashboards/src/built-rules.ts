import { stringify } from 'yaml';
import {
  alertmanagerFile,
  COMPOSE_SECRETS,
  NATIVE_SECRETS,
  receiverExamples,
} from './alertmanager/routes.ts';
import { COMPOSE_PLACES, NATIVE_PLACES, scrapeFile } from './prometheus/scrape-file.ts';
import { alertRulesPage } from './rules/alert-table.ts';
import { ALERT_GROUPS } from './rules/all-rules.ts';
import { grafanaRuleFile } from './rules/grafana-rules.ts';
import { alertRuleFile, recordingRuleFile } from './rules/prometheus-rules.ts';
import { RECORDING_GROUPS } from './rules/recording-rules.ts';

/** Lines above the content of a built file, without their marks. */
type Heading = readonly string[];

function yaml(heading: Heading, content: object): string {
  const lines = ['Built by npm run generate from dashboards/src; change it there.', ...heading];
  return `${lines.map((line) => `# ${line}`).join('\n')}\n${stringify(content, { lineWidth: 0, aliasDuplicateObjects: false })}`;
}

const SCRAPE_HEADING = [
  'Start Prometheus with --enable-feature=exemplar-storage, so that latencies lead to traces.',
  'Alerts go by the names of the two jobs: keep them where these are moved into another configuration.',
];

/** Files that are built from rules and routes: content by path within the repository. */
export function builtRules(): Readonly<Record<string, string>> {
  const links = [
    'Links lead to runbooks on github.com and Grafana on localhost:3000; dashboards/README.md says how to',
  ];
  return {
    'dashboards/rules/spanmeter.recording.yml': yaml(
      ['Load it together with spanmeter.alerts.yml, which reads burn rates from here.'],
      recordingRuleFile(RECORDING_GROUPS),
    ),
    'dashboards/rules/spanmeter.alerts.yml': yaml([...links, 'replace them.'], alertRuleFile(ALERT_GROUPS)),
    'dashboards/grafana/alerting-opt-in/spanmeter.yaml': yaml(
      [
        'The alerts of dashboards/rules as rules of Grafana, for sites without Alertmanager: mount it below',
        'provisioning/alerting. With both, every overspend is told twice. Prometheus still records',
        'spanmeter.recording.yml.',
      ],
      grafanaRuleFile(ALERT_GROUPS),
    ),
    'dashboards/prometheus/prometheus.yml': yaml(
      [...SCRAPE_HEADING, 'Targets are the services of docker-compose.yml.'],
      scrapeFile(COMPOSE_PLACES),
    ),
    'dashboards/prometheus/prometheus.native.yml': yaml(
      [...SCRAPE_HEADING, 'Targets are those of a collector on this machine.'],
      scrapeFile(NATIVE_PLACES),
    ),
    'dashboards/alertmanager/alertmanager.yml': yaml(
      [
        `Messages go to the webhook whose URL is in ${COMPOSE_SECRETS.slackUrlFile}; without that file`,
        'alerts are seen in Alertmanager alone. Others: alertmanager.examples.yml.',
      ],
      alertmanagerFile(COMPOSE_SECRETS),
    ),
    'dashboards/alertmanager/alertmanager.native.yml': yaml(
      [`As alertmanager.yml, with the URL in ${NATIVE_SECRETS.slackUrlFile} where Alertmanager is started.`],
      alertmanagerFile(NATIVE_SECRETS),
    ),
    'dashboards/alertmanager/alertmanager.examples.yml': yaml(
      [
        'Routes as in alertmanager.yml, with receivers for PagerDuty, email, a webhook and a dead man’s switch.',
      ],
      receiverExamples(),
    ),
    'docs/alert-rules.md': alertRulesPage(ALERT_GROUPS),
  };
}
