// Exits 0 where the collector of this container takes requests; for images without curl or a shell.
const endpoint = process.env.SPANMETER_HEALTH_ENDPOINT ?? '127.0.0.1:13133';
const port = endpoint.slice(endpoint.lastIndexOf(':') + 1);
try {
  const answer = await fetch(`http://127.0.0.1:${port}/`, { signal: AbortSignal.timeout(4000) });
  process.exitCode = answer.ok ? 0 : 1;
} catch {
  process.exitCode = 1;
}
