/** The children of one pool, as the isolate that owns it sees them: the addon starts and ends them. */
import { binding } from '../addon/binding.ts'
import type { PoolIndex } from '../addon/pool-index.ts'
import type { Fleet, FleetPool } from '../pool/fleet.ts'

/** How long the end of this process waits for idle children to leave, in ms. */
const EXIT_LIMIT = 1_000

export class ProcessFleet implements Fleet {
  readonly #index: PoolIndex

  constructor({ index }: FleetPool) {
    this.#index = index
  }

  /** The addon asks for none. */
  start(): void {}

  end(): void {}

  endStarts(): void {}

  endAll(): void {
    binding.endChildren(this.#index.value, 0)
  }

  /** What they have printed has to be out, and their coverage written. */
  exit(): void {
    binding.endChildren(this.#index.value, EXIT_LIMIT)
  }

  /** The pool is closed once the last was reaped, and whoever waits for that keeps the process alive. */
  async gone(): Promise<void> {}

  async empty(): Promise<void> {}

  /** It goes where that of this process goes, without its event loop. */
  output(): Promise<unknown>[] {
    return []
  }

  threadId(pid: number): number {
    return pid
  }

  /** The pool knows all. */
  starting(): number[] {
    return []
  }
}
