import type { Builder, Dataquery } from '@grafana/grafana-foundation-sdk/cog';
import type {
  DataSourceRef,
  DataTransformerConfig,
  DynamicConfigValue,
  Panel,
  ThresholdsConfig,
  ValueMapping,
} from '@grafana/grafana-foundation-sdk/dashboard';
import { PanelBuilder as BarChart } from '@grafana/grafana-foundation-sdk/barchart';
import { PanelBuilder as BarGauge } from '@grafana/grafana-foundation-sdk/bargauge';
import { PanelBuilder as Heatmap } from '@grafana/grafana-foundation-sdk/heatmap';
import { PanelBuilder as Stat } from '@grafana/grafana-foundation-sdk/stat';
import { PanelBuilder as Table } from '@grafana/grafana-foundation-sdk/table';
import { PanelBuilder as TimeSeries } from '@grafana/grafana-foundation-sdk/timeseries';
import type { VizTooltipOptions } from '@grafana/grafana-foundation-sdk/common';
import {
  BarGaugeDisplayMode,
  BigValueGraphMode,
  GraphDrawStyle,
  LegendDisplayMode,
  LegendPlacement,
  ReduceDataOptionsBuilder,
  SortOrder,
  StackingConfigBuilder,
  StackingMode,
  TooltipDisplayMode,
  VisibilityMode,
  VizLegendOptionsBuilder,
  VizOrientation,
} from '@grafana/grafana-foundation-sdk/common';

/**
 * How a panel is drawn. `tiles`: one figure per column of a row, or per query; `lines`, `bars`: over time;
 * `columns`: bars over the first column's text; `levels`: one bar per series against a maximum.
 */
export type Drawing = 'tiles' | 'lines' | 'bars' | 'columns' | 'levels' | 'table' | 'heatmap';

function legend(): VizLegendOptionsBuilder {
  return new VizLegendOptionsBuilder()
    .displayMode(LegendDisplayMode.List)
    .placement(LegendPlacement.Bottom)
    .showLegend(true)
    .calcs([]);
}

function tooltip(): Builder<VizTooltipOptions> {
  return { build: () => ({ mode: TooltipDisplayMode.Multi, sort: SortOrder.Descending }) };
}

function last(): ReduceDataOptionsBuilder {
  // Every column of the one row; without `fields` Grafana takes numbers alone, which all of them are.
  return new ReduceDataOptionsBuilder().calcs(['lastNotNull']).fields('').values(false);
}

function series(style: GraphDrawStyle): TimeSeries {
  const panel = new TimeSeries().drawStyle(style).legend(legend()).tooltip(tooltip());
  if (style === GraphDrawStyle.Line) {
    return panel.lineWidth(1).fillOpacity(0).showPoints(VisibilityMode.Never).axisSoftMin(0);
  }
  const stacked = new StackingConfigBuilder().mode(StackingMode.Normal).group('A');
  return panel.lineWidth(0).fillOpacity(70).stacking(stacked).axisSoftMin(0);
}

/** What the SDK's builders of panels have in common, of what is used here. */
export interface Drawer {
  id(id: number): Drawer;
  title(title: string): Drawer;
  description(description: string): Drawer;
  datasource(datasource: DataSourceRef): Drawer;
  unit(unit: string): Drawer;
  decimals(decimals: number): Drawer;
  min(min: number): Drawer;
  max(max: number): Drawer;
  noValue(noValue: string): Drawer;
  interval(interval: string): Drawer;
  targets(targets: Builder<Dataquery>[]): Drawer;
  transformations(transformations: DataTransformerConfig[]): Drawer;
  mappings(mappings: ValueMapping[]): Drawer;
  thresholds(thresholds: Builder<ThresholdsConfig>): Drawer;
  overrideByName(name: string, properties: DynamicConfigValue[]): Drawer;
  overrideByRegexp(regexp: string, properties: DynamicConfigValue[]): Drawer;
  overrideByFieldType(fieldType: string, properties: DynamicConfigValue[]): Drawer;
  build(): Panel;
}

/** The SDK's builder for a way of drawing, with the house's settings; tiles over time get a line behind. */
export function drawerOf(drawing: Drawing, overTime: boolean): Drawer {
  switch (drawing) {
    case 'tiles':
      return new Stat()
        .reduceOptions(last())
        .graphMode(overTime ? BigValueGraphMode.Area : BigValueGraphMode.None)
        .wideLayout(false)
        .orientation(VizOrientation.Auto);
    case 'lines':
      return series(GraphDrawStyle.Line);
    case 'bars':
      return series(GraphDrawStyle.Bars);
    case 'columns':
      return new BarChart()
        .stacking(StackingMode.Normal)
        .showValue(VisibilityMode.Never)
        .orientation(VizOrientation.Vertical)
        .xTickLabelSpacing(100)
        .fillOpacity(70)
        .legend(legend())
        .tooltip(tooltip());
    case 'levels':
      return new BarGauge()
        .reduceOptions(last())
        .displayMode(BarGaugeDisplayMode.Basic)
        .orientation(VizOrientation.Horizontal);
    case 'table':
      return new Table().filterable(true);
    case 'heatmap':
      return new Heatmap().calculate(false).showLegend();
    default:
      return drawing satisfies never;
  }
}
