/** The scope name of our spans and metrics. */
export const SCOPE_NAME = '@spanmeter/instrumentation';
