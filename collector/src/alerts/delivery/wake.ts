/** A wait that an event can end; an event that comes before the wait ends it at once. */
export class Wake {
  #isSet = false;
  #end: (() => void) | null = null;

  set(): void {
    this.#isSet = true;
    this.#end?.();
  }

  async wait(timeoutMs: number): Promise<void> {
    if (!this.#isSet) {
      let timer: NodeJS.Timeout | undefined;
      await new Promise<void>((resolve) => {
        this.#end = resolve;
        timer = setTimeout(resolve, timeoutMs);
      });
      clearTimeout(timer);
      this.#end = null;
    }
    this.#isSet = false;
  }
}
