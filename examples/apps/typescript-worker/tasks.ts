// A worker module in TypeScript. It knows nothing of pools: workers import it, and so may tests.
export interface Place {
  readonly name: string
  readonly latitude: number
  readonly longitude: number
}

export interface Tour {
  readonly order: readonly string[]
  readonly kilometres: number
}

const EARTH = 6371
const radians = (degrees: number): number => (degrees * Math.PI) / 180

function distance(a: Place, b: Place): number {
  const [dLat, dLong] = [radians(b.latitude - a.latitude), radians(b.longitude - a.longitude)]
  const shrink = Math.cos(radians(a.latitude)) * Math.cos(radians(b.latitude))
  const h = Math.sin(dLat / 2) ** 2 + shrink * Math.sin(dLong / 2) ** 2
  return 2 * EARTH * Math.asin(Math.sqrt(h))
}

/** The shortest tour from the first place through all others and back, by trying all that can still win. */
export function shortestTour(places: readonly Place[]): Tour {
  const [home, ...others] = places
  if (home === undefined) throw new RangeError('a tour needs a place')
  let best: Tour = { order: [], kilometres: Infinity }
  const visit = (at: Place, left: readonly Place[], order: readonly string[], kilometres: number): void => {
    if (kilometres >= best.kilometres) return
    if (left.length === 0) {
      const all = kilometres + distance(at, home)
      if (all < best.kilometres) best = { order, kilometres: all }
    }
    for (const next of left) {
      visit(
        next,
        left.filter((place) => place !== next),
        [...order, next.name],
        kilometres + distance(at, next),
      )
    }
  }
  visit(home, others, [home.name], 0)
  return best
}
