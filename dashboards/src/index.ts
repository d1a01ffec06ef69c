/** Dashboards, rules and routes of Spanmeter as code; what is built from them is committed beside src. */
export const DATASOURCES = { prometheus: 'spanmeter-prometheus', postgres: 'spanmeter-postgres' } as const;
