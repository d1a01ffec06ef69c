const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Text for HTML and SVG. */
export const escaped = (text: string): string => text.replace(/[&<>"']/g, (one) => ESCAPES[one] ?? one);

/** Grafana's classic palette, for series in order. */
const PALETTE: readonly string[] = [
  '#73bf69',
  '#f2cc0c',
  '#8ab8ff',
  '#ff780a',
  '#f2495c',
  '#5794f2',
  '#b877d9',
  '#a277c4',
  '#37872d',
  '#fade2a',
  '#447ebc',
  '#c15c17',
  '#890f02',
  '#3f6833',
  '#6d1f62',
  '#2f575e',
];
const NAMED: Readonly<Record<string, string>> = {
  green: '#73bf69',
  'dark-green': '#37872d',
  'semi-dark-green': '#56a64b',
  red: '#f2495c',
  'dark-red': '#c4162a',
  'semi-dark-red': '#e02f44',
  orange: '#ff9830',
  'dark-orange': '#fa6400',
  yellow: '#fade2a',
  blue: '#5794f2',
  'dark-blue': '#1f60c4',
  purple: '#b877d9',
  text: '#ccccdc',
  transparent: 'transparent',
};

/** The colour of the n-th series. */
export const seriesColor = (index: number): string => PALETTE[index % PALETTE.length] ?? '#73bf69';

/** A colour by Grafana's name for it, or as it is. */
export const colorNamed = (name: string): string => NAMED[name] ?? name;
