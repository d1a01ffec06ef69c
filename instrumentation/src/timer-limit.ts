/** The longest that a timer waits: Node takes anything longer for 1 ms and prints a warning. */
export const MAX_TIMER_MS = 2_147_483_647;
