/** Stands for what takes time: works for so many milliseconds. */
export function report(ms) {
  for (const end = performance.now() + ms; performance.now() < end;);
  return `worked for ${ms} ms\n`
}

export const lengthOf = (text) => text.length
