export const INSTRUMENTATION_NAME = '@spanmeter/instrumentation';
