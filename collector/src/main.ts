/** Placeholder until the command line is assembled. */
export const PROGRAM_NAME = 'spanmeter';
