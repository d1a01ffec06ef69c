/** One sentence for a port that cannot be had, naming what moves it. `what` is such as `OTLP/HTTP`. */
export function listenFailure(what: string, endpoint: string, variable: string, error: Error): Error {
  const text = `${(error as NodeJS.ErrnoException).code ?? ''} ${error.message}`;
  const moved = `set ${variable} to another address (or its endpoint in the configuration)`;
  if (text.includes('EADDRINUSE')) {
    return new Error(`${what} cannot listen on ${endpoint}: another program has that port; ${moved}`, {
      cause: error,
    });
  }
  const reason = /E[A-Z]{3,}/.exec(text)?.[0] ?? error.message;
  return new Error(`${what} cannot listen on ${endpoint} (${reason}); ${moved}`, { cause: error });
}
