/** A built file of the instrumentation, whose package exports only what apps need. */
export async function instrumentationFile<T>(path: string): Promise<T> {
  const url = new URL(`../../../instrumentation/dist/${path}`, import.meta.url);
  return (await import(url.href)) as T;
}
