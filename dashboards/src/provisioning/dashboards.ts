/** Where Grafana finds the dashboards' files; the stack of containers mounts them there. */
export const DASHBOARD_PATH = '/var/lib/spanmeter/dashboards';

/** Grafana's file that leads to the dashboards. */
export interface DashboardProviderFile {
  readonly apiVersion: 1;
  readonly providers: readonly Readonly<Record<string, unknown>>[];
}

/** One folder; what is changed belongs into dashboards/src, so that Grafana keeps no changes of its own. */
export function dashboardProviderFile(): DashboardProviderFile {
  return {
    apiVersion: 1,
    providers: [
      {
        name: 'spanmeter',
        orgId: 1,
        folder: 'Spanmeter',
        folderUid: 'spanmeter',
        type: 'file',
        disableDeletion: false,
        allowUiUpdates: false,
        updateIntervalSeconds: 30,
        options: { path: DASHBOARD_PATH },
      },
    ],
  };
}
