/**
 * Runs a step that reads objects of the app, whose getters, proxies and methods may throw: then nothing is known, and
 * nothing of ours is at fault.
 */
export function fromApp<T>(step: () => T): T | undefined {
  try {
    return step();
  } catch {
    return undefined;
  }
}
