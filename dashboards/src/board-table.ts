import type { Panel } from '@grafana/grafana-foundation-sdk/dashboard';
import type { Board } from './board.ts';
import { eachPanel } from './walk.ts';

function row({ title = '', description = '', datasource }: Panel): string {
  const [shows = ''] = description.split('\n\n');
  const from = datasource?.type === 'prometheus' ? 'Prometheus' : 'PostgreSQL';
  return `| ${title} | ${from} | ${shows.replaceAll('|', '\\|')} |`;
}

/** Markdown that lists every dashboard and panel, from the objects that the files are built from. */
export function boardTable(boards: readonly Board[]): string {
  const sections = boards.map((board) => {
    const rows = eachPanel(board.build()).map(row);
    const head = ['| panel | from | what it shows |', '| --- | --- | --- |'];
    return [`### ${board.title}`, '', `\`${board.uid}\`. ${board.description}`, '', ...head, ...rows].join(
      '\n',
    );
  });
  return sections.join('\n\n');
}
