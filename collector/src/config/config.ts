import type { ComponentType } from '../pipeline/component.ts';

/** One component as configured: its id, what it is, and its options as its schema returned them. */
export interface ConfiguredComponent {
  /** `type` or `type/name`, as written. */
  readonly id: string;
  readonly type: ComponentType;
  readonly options: unknown;
}

export type ComponentMap = ReadonlyMap<string, ConfiguredComponent>;

/** One pipeline; the lists hold ids that are configured. */
export interface PipelineConfig {
  /** `traces` or `traces/name`. */
  readonly id: string;
  readonly receivers: readonly string[];
  readonly processors: readonly string[];
  readonly exporters: readonly string[];
}

/** How the collector tells about itself. */
export interface TelemetryConfig {
  readonly logs: {
    readonly level: 'debug' | 'info' | 'warn' | 'error';
    readonly encoding: 'auto' | 'console' | 'json';
  };
  /** `level: none` opens no port. */
  readonly metrics: { readonly level: 'none' | 'basic' | 'normal' | 'detailed'; readonly address: string };
}

/** A configuration without faults. */
export interface Config {
  readonly receivers: ComponentMap;
  readonly processors: ComponentMap;
  readonly exporters: ComponentMap;
  readonly extensions: ComponentMap;
  readonly service: {
    /** Ids of the extensions to start, in order. */
    readonly extensions: readonly string[];
    readonly pipelines: readonly PipelineConfig[];
    readonly telemetry: TelemetryConfig;
  };
  /** Sentences to log once at start. */
  readonly warnings: readonly string[];
}
