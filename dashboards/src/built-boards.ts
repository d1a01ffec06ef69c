import { stringify } from 'yaml';
import { ALL_BOARDS } from './all-boards.ts';
import { boardTable } from './board-table.ts';
import { dashboardProviderFile } from './provisioning/dashboards.ts';
import { datasourceFile } from './provisioning/datasources.ts';
import { API_URL } from './variables.ts';

function yaml(heading: readonly string[], content: object): string {
  const lines = ['Built by npm run generate from dashboards/src; change it there.', ...heading];
  return `${lines.map((line) => `# ${line}`).join('\n')}\n${stringify(content, { lineWidth: 0 })}`;
}

/** Files that are built from the dashboards: content by path within the repository. */
export function builtBoards(): Readonly<Record<string, string>> {
  const boards = ALL_BOARDS.map((board) => {
    const content = JSON.stringify(board.build(), null, 2);
    return [`dashboards/grafana/dashboards/${board.uid}.json`, `${content}\n`] as const;
  });
  return {
    ...Object.fromEntries(boards),
    'dashboards/grafana/provisioning/datasources/spanmeter.yaml': yaml(
      [
        'Grafana reads $VARIABLES from its environment; the password best by GF_SPANMETER_POSTGRES_PASSWORD__FILE.',
        'The last URL is where the points of latency panels lead: a trace store of yours, if there is one.',
      ],
      datasourceFile(`${API_URL}/api/v1/calls?trace_id=`),
    ),
    'dashboards/grafana/provisioning/dashboards/spanmeter.yaml': yaml([], dashboardProviderFile()),
  };
}

/** The part of dashboards/README.md that lists the dashboards and their panels. */
export function builtBoardTable(): string {
  return boardTable(ALL_BOARDS);
}
