/** An isolate's index of a pool, and how long the addon keeps the pool for it. */
import { binding } from './binding.ts'

/** An index that nobody keeps any more may be the next pool's. */
const released: FinalizationRegistry<number> = new FinalizationRegistry((index) => binding.releasePool(index))

/**
 * The index under which this isolate uses a pool. The addon keeps the pool under it, with its counts, until
 * this object is collected: closed pools still tell their stats. So whoever uses the number keeps the
 * object beside it; with the number alone one could ask for another pool.
 */
export class PoolIndex {
  readonly value: number

  constructor(value: number) {
    this.value = value
    released.register(this, value)
  }
}
