/**
 * Preloaded in the children of a pool with `permission`, before all else: Node warns of each flag that grants
 * something, and of the model itself where it is an experiment. The user has not given these flags: exactly
 * those warnings are kept back, and only those of the start, which are emitted in the first ticks.
 */
import { define } from '../host/define.ts'
import { setImmediate } from '../host/timers.ts'

const OURS: readonly [name: string, message: RegExp][] = [
  ['SecurityWarning', /^The flag --allow-[a-z-]+ must be used with extreme caution\./],
  ['ExperimentalWarning', /^Permission is an experimental feature\b/],
]

function isOurs(warning: unknown): boolean {
  const { name, message } = warning as Error
  return OURS.some(([ours, text]) => name === ours && text.test(message))
}

const emit = process.emit as (...args: unknown[]) => boolean

define(process, 'emit', {
  value: function (this: unknown, ...args: unknown[]): boolean {
    if (args[0] === 'warning' && isOurs(args[1])) return true
    return Reflect.apply(emit, this, args)
  },
  writable: true,
  configurable: true,
})
const quiet: unknown = process.emit
setImmediate(() => {
  // Another has put something around it.
  if (process.emit === quiet) define(process, 'emit', { value: emit, writable: true, configurable: true })
})
