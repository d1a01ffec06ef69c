/** Spend of one hour that is far above what the series is used to; amounts in 1e-12 USD. */
export interface SpendAnomaly {
  readonly tenantId: string;
  readonly model: string;
  readonly serviceName: string;
  /** A whole hour of UTC: the last one, or the one under way. */
  readonly hourStartMs: number;
  readonly spentPicoUsd: bigint;
  readonly expectedPicoUsd: bigint;
  readonly excessPicoUsd: bigint;
}

/** Whoever tells of anomalies. */
export interface AnomalySource {
  /** Called with each anomaly when it is found, and again while its figures grow. Returns what ends it. */
  onAnomaly(listener: (anomaly: SpendAnomaly) => void): () => void;
}
