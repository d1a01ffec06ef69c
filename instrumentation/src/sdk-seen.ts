let waiting: (() => void)[] = [];
let seen = false;

/** Runs `load` once the first SDK is loaded: while modules are loaded anyway, and in no process without one. */
export function onSdkSeen(load: () => void): void {
  if (seen) load();
  else waiting.push(load);
}

/** Called for each SDK that is loaded; what was waited for must not throw. */
export function noteSdkSeen(): void {
  if (seen) return;
  seen = true;
  for (const load of waiting) load();
  waiting = [];
}
