/** How many tasks this worker has begun. */
export let begun: number = 0

/** One more; gives how many. */
export function noteBegun(): number {
  return ++begun
}
