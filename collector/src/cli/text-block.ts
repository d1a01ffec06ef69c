import { displayWidth } from './output.ts';

/**
 * Breaks a line between words so that it fits the terminal; what follows is indented as the line itself, and two
 * columns more where `hanging`. A word that is longer than a line stays whole.
 */
export function filledText(line: string, columns: number, hanging = true): string {
  const indent = /^ */.exec(line)?.[0] ?? '';
  const rest = hanging ? `${indent}  ` : indent;
  let text = '';
  let current = indent;
  for (const word of line.trim().split(' ')) {
    const next = current.trim() === '' ? `${current}${word}` : `${current} ${word}`;
    if (displayWidth(next) <= columns || current.trim() === '') current = next;
    else {
      text += `${current}\n`;
      current = `${rest}${word}`;
    }
  }
  return `${text}${current}\n`;
}
