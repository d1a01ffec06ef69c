/** Daily spend of a made-up tenant, in USD; the first day is a Monday. */
export interface SeededTenant {
  readonly name: string;
  readonly days: Float64Array;
}

interface Habits {
  readonly name: string;
  readonly days: number;
  /** USD of an ordinary day at the start. */
  readonly base: number;
  /** Factors from Monday on. */
  readonly week: readonly number[];
  /** Growth per day: 0.01 is 1 %. */
  readonly growth?: number;
  /** From that day on, everything is so many times as much: a new customer, a change of model. */
  readonly steps?: readonly { readonly day: number; readonly factor: number }[];
  /** Standard deviation of the logarithm of a day. */
  readonly noise: number;
  /** Chance of a day that costs several times as much: a loop, a batch by hand. */
  readonly spikes?: number;
  /** Launches: the factor halves every few days. */
  readonly launches?: readonly { readonly day: number; readonly factor: number; readonly halfLife: number }[];
  /** Share of days with any call. */
  readonly active?: number;
  /** A job on the first of every 30 days costs so many ordinary days. */
  readonly monthly?: number;
}

const OFFICE = [1.05, 1.12, 1.1, 1.08, 0.95, 0.32, 0.28];
const CONSUMER = [0.88, 0.86, 0.9, 0.96, 1.1, 1.2, 1.1];
const ALWAYS = [1, 1, 1.02, 1, 1, 0.97, 0.96];

const HABITS: readonly Habits[] = [
  { name: 'steady-office', days: 168, base: 420, week: OFFICE, noise: 0.08 },
  { name: 'growing-office', days: 168, base: 90, week: OFFICE, growth: 0.009, noise: 0.12 },
  { name: 'consumer-app', days: 168, base: 1_300, week: CONSUMER, growth: 0.003, noise: 0.1 },
  { name: 'shrinking', days: 150, base: 260, week: OFFICE, growth: -0.006, noise: 0.14 },
  { name: 'around-the-clock', days: 168, base: 75, week: ALWAYS, noise: 0.15 },
  {
    name: 'new-customers',
    days: 168,
    base: 60,
    week: OFFICE,
    noise: 0.12,
    steps: [
      { day: 62, factor: 1.5 },
      { day: 118, factor: 1.35 },
    ],
  },
  {
    name: 'cheaper-model',
    days: 160,
    base: 700,
    week: OFFICE,
    noise: 0.1,
    steps: [{ day: 95, factor: 0.55 }],
  },
  { name: 'spiky', days: 168, base: 40, week: OFFICE, noise: 0.18, spikes: 0.025 },
  {
    name: 'launches',
    days: 168,
    base: 150,
    week: CONSUMER,
    noise: 0.12,
    launches: [
      { day: 70, factor: 2.2, halfLife: 4 },
      { day: 131, factor: 1.8, halfLife: 5 },
    ],
  },
  { name: 'noisy-lab', days: 140, base: 22, week: OFFICE, noise: 0.4 },
  { name: 'month-start-job', days: 168, base: 55, week: ALWAYS, noise: 0.1, monthly: 3 },
  { name: 'young', days: 60, base: 30, week: OFFICE, growth: 0.012, noise: 0.15 },
  { name: 'quiet', days: 150, base: 0.6, week: OFFICE, noise: 0.5, active: 0.6 },
];

/** Numbers in [0, 1) that depend on the seed alone (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** Normally distributed with mean 0 and standard deviation 1 (Box and Muller). */
export function normal(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

const DAYS_PER_MONTH = 30;

function spendOn(habits: Habits, day: number, random: () => number): number {
  const { base, week, growth = 0, steps = [], noise, launches = [], spikes = 0, active = 1 } = habits;
  // Every day draws the same count of numbers, so that one habit does not move the luck of another.
  const [luck, spike, size, isActive] = [normal(random), random(), random(), random() < active];
  let spend = base * (week[day % 7] ?? 1) * (1 + growth) ** day * Math.exp(noise * luck - noise ** 2 / 2);
  for (const step of steps) if (day >= step.day) spend *= step.factor;
  for (const { day: launched, factor, halfLife } of launches) {
    if (day >= launched) spend *= 1 + (factor - 1) * 0.5 ** ((day - launched) / halfLife);
  }
  if (spike < spikes) spend *= 3 + 4 * size;
  if (habits.monthly !== undefined && day % DAYS_PER_MONTH === 0) spend += base * habits.monthly;
  return isActive ? spend : 0;
}

/** Tenants as teams have them, the same at every call for a seed. */
export function seededTenants(seed = 1): readonly SeededTenant[] {
  return HABITS.map((habits, index) => {
    const random = seededRandom(seed * 1_000 + index);
    return {
      name: habits.name,
      days: Float64Array.from({ length: habits.days }, (_, day) => spendOn(habits, day, random)),
    };
  });
}
