import type { Disk } from '@spanmeter/collector/dist/journal/disk.js';

/** A disk whose flushes wait while they are held. */
export interface HeldDisk {
  readonly disk: Disk;
  /** From now on no flush finishes. */
  hold(): void;
  /** Lets the held flushes and all later ones finish. */
  letGo(): void;
  /** Flushes that finished. */
  readonly flushes: number;
  /** Resolves once a flush waits. */
  held(): Promise<void>;
}

/** Wraps a disk so that a test can stop time between a write and its durability. */
export function holdableDisk(real: Disk): HeldDisk {
  let gate: Promise<void> | null = null;
  let open = (): void => {};
  let flushes = 0;
  let waiting: (() => void)[] = [];
  let isWaiting = false;
  const disk: Disk = {
    ...real,
    async open(path, mode) {
      const file = await real.open(path, mode);
      return {
        write: (chunks, position) => file.write(chunks, position),
        read: (into, position) => file.read(into, position),
        truncate: (sizeBytes) => file.truncate(sizeBytes),
        size: () => file.size(),
        close: () => file.close(),
        async sync() {
          await file.sync();
          if (gate !== null) {
            isWaiting = true;
            for (const wake of waiting.splice(0)) wake();
            await gate;
          }
          flushes += 1;
        },
      };
    },
  };
  return {
    disk,
    hold() {
      gate = new Promise((resolve) => {
        open = resolve;
      });
    },
    letGo() {
      gate = null;
      isWaiting = false;
      open();
    },
    get flushes() {
      return flushes;
    },
    held() {
      if (isWaiting) return Promise.resolve();
      return new Promise((resolve) => {
        waiting = [...waiting, resolve];
      });
    },
  };
}
