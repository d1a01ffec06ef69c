import { formatUsd } from './debug/usd.ts';
