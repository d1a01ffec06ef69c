/** Parts of a dashboard's Classic JSON that queries and pictures need; what else it holds is kept by nobody. */
export interface BoardJson {
  readonly uid: string;
  readonly title: string;
  readonly description?: string;
  readonly time?: { readonly from: string; readonly to: string };
  readonly refresh?: string | boolean;
  readonly timezone?: string;
  readonly tags?: readonly string[];
  readonly panels: readonly PanelJson[];
  readonly templating?: { readonly list?: readonly VariableJson[] };
  readonly annotations?: { readonly list?: readonly AnnotationJson[] };
  readonly links?: readonly { readonly title?: string; readonly url?: string }[];
}

export interface GridPos {
  readonly x: number;
  readonly y: number;
  readonly w: number;
  readonly h: number;
}

export interface DatasourceJson {
  readonly type?: string;
  readonly uid?: string;
}

export interface PanelJson {
  readonly id: number;
  readonly type: string;
  readonly title?: string;
  readonly description?: string;
  readonly gridPos: GridPos;
  readonly datasource?: DatasourceJson;
  readonly targets?: readonly TargetJson[];
  readonly panels?: readonly PanelJson[];
  readonly interval?: string;
  readonly maxDataPoints?: number;
  readonly timeFrom?: string;
  readonly timeShift?: string;
  readonly repeat?: string;
  readonly options?: Readonly<Record<string, unknown>>;
  readonly fieldConfig?: {
    readonly defaults?: FieldJson;
    readonly overrides?: readonly OverrideJson[];
  };
  readonly transformations?: readonly TransformationJson[];
}

export interface TransformationJson {
  readonly id: string;
  readonly disabled?: boolean;
  readonly options?: Readonly<Record<string, unknown>>;
}

export interface FieldJson {
  readonly unit?: string;
  readonly decimals?: number;
  readonly min?: number;
  readonly max?: number;
  readonly displayName?: string;
  readonly noValue?: string;
  readonly color?: { readonly mode?: string; readonly fixedColor?: string };
  readonly thresholds?: {
    readonly mode?: string;
    readonly steps?: readonly { readonly value: number | null; readonly color: string }[];
  };
  readonly mappings?: readonly unknown[];
  readonly custom?: Readonly<Record<string, unknown>>;
}

export interface OverrideJson {
  readonly matcher: { readonly id: string; readonly options?: unknown };
  readonly properties: readonly { readonly id: string; readonly value?: unknown }[];
}

export interface TargetJson {
  readonly refId: string;
  readonly datasource?: DatasourceJson;
  readonly hide?: boolean;
  /** PostgreSQL. */
  readonly rawSql?: string;
  readonly format?: string;
  /** Prometheus. */
  readonly expr?: string;
  readonly legendFormat?: string;
  readonly instant?: boolean;
  readonly range?: boolean;
  readonly interval?: string;
  readonly intervalFactor?: number;
  readonly exemplar?: boolean;
}

export interface VariableJson {
  readonly name: string;
  readonly type: string;
  readonly label?: string;
  readonly hide?: number | string;
  readonly datasource?: DatasourceJson;
  readonly query?: unknown;
  readonly regex?: string;
  readonly multi?: boolean;
  readonly includeAll?: boolean;
  readonly allValue?: string;
  readonly sort?: number;
  readonly current?: { readonly text?: unknown; readonly value?: unknown };
  readonly options?: readonly { readonly text?: unknown; readonly value?: unknown }[];
}

export interface AnnotationJson {
  readonly name: string;
  readonly enable?: boolean;
  readonly datasource?: DatasourceJson;
  readonly target?: unknown;
  readonly rawQuery?: string;
  readonly expr?: string;
  readonly builtIn?: number;
}

/** All panels of a board in reading order, those in collapsed rows included, rows themselves not. */
export function panelsOf(board: BoardJson): readonly PanelJson[] {
  return board.panels.flatMap((panel) => (panel.type === 'row' ? (panel.panels ?? []) : [panel]));
}
