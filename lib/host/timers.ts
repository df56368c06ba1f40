/**
 * Timers and clocks, taken once, when the package is loaded. No other file of lib/ names those of the
 * process: a test runner replaces them (fake timers of sinon, so of Jest and Vitest, and of node:test), and
 * waits, recoveries and ends of ours must not stand still until its clock is moved.
 */
import nodeTimers from 'node:timers'
import { isOfNode } from './own.ts'
import { delayed, soon, stop } from './scheduled.ts'
import type { Timer } from './scheduled.ts'

export type { Timer } from './scheduled.ts'

/** setTimeout takes no more than 2^31-1; longer limits are waited for in such steps. */
export const LONGEST_TIMER: number = 2 ** 31 - 1

/** `process.nextTick`; where Node's cannot be had, a microtask, which comes as soon. */
export const nextTick: (callback: () => void) => void = isOfNode(process.nextTick, /\b_exiting\b/)
  ? process.nextTick.bind(process)
  : (callback) => void Promise.resolve().then(callback)

const hasTimeout = delayed === undefined || isOfNode(nodeTimers.setTimeout, /\bnew Timeout\b/)
const hasImmediate = soon === undefined || isOfNode(nodeTimers.setImmediate, /\bnew Immediate\b/)

type SetTimeout = (callback: () => void, ms: number) => Timer

/** As Node's: calls `callback` after `ms`, and keeps the process alive until then unless it is unref'd. */
export const setTimeout: SetTimeout = hasTimeout ? nodeTimers.setTimeout : (delayed as SetTimeout)

export const clearTimeout: (timer: Timer | undefined) => void = hasTimeout
  ? (nodeTimers.clearTimeout as (timer: unknown) => void)
  : stop

/** As Node's: calls `callback` in the next turn of the event loop. */
export const setImmediate: (callback: () => void) => unknown = hasImmediate
  ? nodeTimers.setImmediate
  : (soon as (callback: () => void) => unknown)
