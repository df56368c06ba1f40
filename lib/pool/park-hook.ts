/** What a worker does before its thread parks. */

let beforePark: () => void = () => {}

/** Sets what is called each time before this thread parks. */
export function onPark(fn: () => void): void {
  beforePark = fn
}

/** To be called before this thread parks. */
export function aboutToPark(): void {
  beforePark()
}
