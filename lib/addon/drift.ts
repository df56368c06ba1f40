/** Whether the addon is the one that this JavaScript was built with. */

/**
 * Compares what the two say of their seam (seam.ts). A number that each understands in its own way would make
 * futures settle wrongly, or not at all.
 *
 * @throws Error that names the first difference
 */
export function requireSameSeam(ours: string, theirs: string): void {
  if (ours === theirs) return
  const [here, there] = [ours.split('\n'), theirs.split('\n')]
  const at = here.findIndex((line, index) => line !== there[index])
  const what = at < 0 ? [undefined, there[here.length]] : [here[at], there[at]]
  const [mine = 'nothing more', its = 'nothing more'] = what
  throw new Error(
    'the addon of concurrent-futures is not of the same build as its JavaScript: ' +
      `here it is '${mine}', in the addon '${its}'. ` +
      'Install the package anew, or build both with npm run build',
  )
}
