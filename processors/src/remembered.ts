/**
 * Remembers what a pure function of a text returns, for at most `limit` texts at once; then it forgets all. A
 * sender that makes texts up costs time, not memory. Longer texts than `maxLength` are not remembered.
 */
export function remembered<T>(
  compute: (text: string) => T,
  limit: number,
  maxLength = 256,
): (text: string) => T {
  const known = new Map<string, T>();
  return (text) => {
    const found = known.get(text);
    if (found !== undefined) return found;
    const value = compute(text);
    if (text.length <= maxLength) {
      if (known.size >= limit) known.clear();
      known.set(text, value);
    }
    return value;
  };
}
