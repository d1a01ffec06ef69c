/** CPU time of this process in milliseconds: a bound on it means the same however busy the machine is. */
export function cpuTimeMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}
