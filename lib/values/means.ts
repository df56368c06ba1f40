/** By which means a value may be packed: that depends on where it goes, and on who reads it. */

/** What packing may use beside the value itself. */
export interface Means {
  /**
   * Whether the addon may write the value: then it has to go through the addon next, before anything else
   * that is written.
   */
  readonly mayWrite: boolean
  /** Whether the value may be sent by a port: then it has to be read by one thread, once. */
  readonly maySend: boolean
  /** Whether it stays in this process: only there shapes are known by numbers. */
  readonly staysHere: boolean
  /** Whether memory in it may be shared. */
  readonly sharesMemory: boolean
}

export const ALL_MEANS: Means = { mayWrite: true, maySend: true, staysHere: true, sharesMemory: true }
export const NO_WRITING: Means = { mayWrite: false, maySend: true, staysHere: true, sharesMemory: true }
const NO_SENDING: Means = { mayWrite: true, maySend: false, staysHere: true, sharesMemory: true }
/** To another process (wire.ts). */
export const WIRE: Means = { mayWrite: true, maySend: false, staysHere: false, sharesMemory: false }
export const WIRE_UNWRITTEN: Means = { ...WIRE, mayWrite: false }

/** To any number of isolates, of this process and others: what `share` packs. */
export const TO_ALL: Means = { mayWrite: true, maySend: false, staysHere: false, sharesMemory: true }

/** The means for one way: of what goes alone; of what is packed beside it; of what several may read. */
export interface Way {
  readonly all: Means
  readonly aside: Means
  readonly reread: Means
}

export const TO_THREADS: Way = { all: ALL_MEANS, aside: NO_WRITING, reread: NO_SENDING }
export const TO_PROCESSES: Way = { all: WIRE, aside: WIRE_UNWRITTEN, reread: WIRE }

let ofResults: Way = TO_THREADS

/** The way of what the tasks of this isolate give: results, errors, progress. */
export function results(): Way {
  return ofResults
}

/** They go to another process, from now on: this is a child. */
export function leaveByResults(): void {
  ofResults = TO_PROCESSES
}
