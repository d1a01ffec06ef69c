/** Most alerts that one message spells out. */
const MAX_LISTED = 10;

/** Title and text of a message in Slack's format, with links to dashboard and runbook. */
export function slackMessage(): Readonly<Record<string, string>> {
  const each = [
    '*{{ .Annotations.summary }}*',
    '{{ .Annotations.description }}',
    '<{{ .Annotations.dashboard_url }}|dashboard> <{{ .Annotations.runbook_url }}|runbook>',
  ].join('\n');
  return {
    title:
      '{{ if eq .Status "firing" }}{{ .CommonLabels.severity | toUpper }}{{ else }}RESOLVED{{ end }}' +
      ' {{ .CommonLabels.alertname }}{{ with .CommonLabels.tenant }} {{ . }}{{ end }}',
    title_link: '{{ .CommonAnnotations.dashboard_url }}',
    text:
      `{{ range $index, $alert := .Alerts }}{{ if lt $index ${MAX_LISTED} }}{{ with $alert }}${each}\n{{ end }}{{ end }}{{ end }}` +
      `{{ if gt (len .Alerts) ${MAX_LISTED} }}and {{ len .Alerts }} in all{{ end }}`,
    fallback: '{{ .CommonLabels.alertname }}: {{ .CommonAnnotations.summary }}',
  };
}
