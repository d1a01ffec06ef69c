/** Resolves once `work` has settled or `deadline` aborts, whatever comes first; never rejects. */
export function settledOrAborted(work: Promise<unknown>, deadline: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      deadline.removeEventListener('abort', done);
      resolve();
    };
    if (deadline.aborted) return resolve();
    deadline.addEventListener('abort', done, { once: true });
    work.then(done, done);
  });
}
