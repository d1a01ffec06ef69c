import { slackMessage } from './messages.ts';

/** Where Alertmanager keeps what it must not show. */
export interface AlertmanagerPlaces {
  /** File that holds the URL of an incoming webhook in Slack's format, of Slack itself or of what understands it. */
  readonly slackUrlFile: string;
}

/** The volume of docker-compose.yml. */
export const COMPOSE_SECRETS: AlertmanagerPlaces = { slackUrlFile: '/etc/alertmanager/secrets/slack_url' };
/** A folder beside where Alertmanager is started. */
export const NATIVE_SECRETS: AlertmanagerPlaces = { slackUrlFile: 'secrets/slack_url' };

/** Alerts of a budget's way to its limit, which say less than the one that it is exceeded. */
const LOWER_STEP = 'threshold=~"[0-9]{1,2}(\\\\.[0-9]+)?"';

/** Alerts on the collector's own metrics, which are served apart. */
const OF_THE_OTHER_ENDPOINT = [
  'GenAIIngestDropping',
  'GenAILedgerWriteFailing',
  'GenAIQueueNearFull',
  'GenAIDeadLetters',
  'GenAIForwardingDropping',
];

const ROUTE = {
  receiver: 'tickets',
  // One message per alert and budget, however many collectors and steps.
  group_by: ['alertname', 'tenant', 'budget'],
  group_wait: '30s',
  group_interval: '5m',
  repeat_interval: '24h',
  routes: [
    {
      // Point this route to a dead man's switch: it raises the alarm when the message stops coming.
      receiver: 'watchdog',
      matchers: ['alertname="GenAIWatchdog"'],
      group_wait: '0s',
      group_interval: '1m',
      repeat_interval: '5m',
    },
    { receiver: 'pages', matchers: ['severity="critical"'], group_wait: '10s', repeat_interval: '12h' },
    { receiver: 'nobody', matchers: ['severity="info"'] },
  ],
};

const INHIBITIONS = [
  {
    // A page about a budget makes the ticket about it superfluous, but not the one that says by how much it is over.
    source_matchers: ['severity="critical"', 'alertname=~"GenAIBudget.+"'],
    target_matchers: ['severity="warning"', 'alertname=~"GenAIBudget.+"', 'alertname!="GenAIBudgetExceeded"'],
    equal: ['tenant', 'budget', 'scope_value', 'period'],
  },
  {
    source_matchers: ['alertname=~"GenAIBudgetExceeded|GenAIBudgetExhausted"'],
    target_matchers: ['alertname="GenAIBudgetThreshold"', LOWER_STEP],
    equal: ['tenant', 'budget', 'scope_value', 'period'],
  },
  {
    source_matchers: ['alertname=~"GenAIBudgetExceeded|GenAIBudgetExhausted"'],
    target_matchers: ['alertname=~"GenAIBudgetBurnFast|GenAIBudgetBurnSlow|GenAIBudgetForecastOverrun"'],
    equal: ['tenant', 'budget', 'scope_value', 'period'],
  },
  {
    // While no GenAI metric is served, what else fires is about its absence. What the other endpoint tells stays.
    source_matchers: ['alertname="GenAICollectorDown"', 'job="spanmeter"'],
    target_matchers: [
      'alertname=~"GenAI.+"',
      `alertname!~"${['GenAICollectorDown', 'GenAIWatchdog', ...OF_THE_OTHER_ENDPOINT].join('|')}"`,
    ],
    equal: ['cluster'],
  },
];

/** Alertmanager's configuration: works in 0.25 and later, holds no secret, and needs one file to send messages. */
export function alertmanagerFile({ slackUrlFile }: AlertmanagerPlaces): object {
  const slack = (colour: string): object => ({
    slack_configs: [{ api_url_file: slackUrlFile, send_resolved: true, color: colour, ...slackMessage() }],
  });
  return {
    route: ROUTE,
    inhibit_rules: INHIBITIONS,
    receivers: [
      { name: 'pages', ...slack('danger') },
      { name: 'tickets', ...slack('warning') },
      { name: 'watchdog' },
      { name: 'nobody' },
    ],
  };
}

/** Receivers to put in place of the shipped ones: each takes its secret from a file. */
export function receiverExamples(): object {
  return {
    global: {
      smtp_smarthost: 'smtp.example.com:587',
      smtp_from: 'spanmeter@example.com',
      smtp_auth_username: 'spanmeter',
      smtp_auth_password_file: '/etc/alertmanager/secrets/smtp_password',
    },
    route: ROUTE,
    inhibit_rules: INHIBITIONS,
    receivers: [
      {
        name: 'pages',
        pagerduty_configs: [
          {
            routing_key_file: '/etc/alertmanager/secrets/pagerduty_key',
            description: '{{ .CommonAnnotations.summary }}',
            severity: '{{ .CommonLabels.severity }}',
          },
        ],
      },
      {
        name: 'tickets',
        email_configs: [{ to: 'finops@example.com', send_resolved: true }],
        webhook_configs: [
          {
            url: 'https://tickets.example.com/alertmanager',
            max_alerts: 100,
            http_config: { authorization: { credentials_file: '/etc/alertmanager/secrets/webhook_token' } },
          },
        ],
      },
      {
        name: 'watchdog',
        webhook_configs: [{ url: 'https://deadman.example.com/spanmeter', send_resolved: false }],
      },
      { name: 'nobody' },
    ],
  };
}
