/** The arguments of `map`, checked. */
import { parseArgs } from 'node:util'
import { integer, milliseconds } from './numbers.ts'
import { CommandError, wrongArguments } from './usage.ts'

export interface MapOptions {
  /** MODULE#EXPORT. */
  readonly module: string
  readonly key: string
  readonly input: string | undefined
  readonly isUnordered: boolean
  readonly workers: number | undefined
  readonly hasProcesses: boolean
  readonly timeout: number | undefined
  readonly chunk: number | 'auto'
  readonly isRaw: boolean
  readonly joblog: string | undefined
  readonly isResumed: boolean
  readonly isFailFast: boolean
  readonly hasProgress: boolean
}

const MOST_WORKERS = 1_024

const OPTIONS = {
  input: { type: 'string' },
  unordered: { type: 'boolean' },
  workers: { type: 'string' },
  processes: { type: 'boolean' },
  timeout: { type: 'string' },
  chunk: { type: 'string' },
  raw: { type: 'boolean' },
  joblog: { type: 'string' },
  resume: { type: 'boolean' },
  'fail-fast': { type: 'boolean' },
  progress: { type: 'boolean' },
  'no-progress': { type: 'boolean' },
} as const

/** @throws CommandError for wrong usage */
export function parseMapOptions(args: string[]): MapOptions {
  const { values, positionals } = parse(args)
  const [target, ...others] = positionals
  if (target === undefined) throw new CommandError('map needs MODULE#EXPORT (see map --help)')
  if (others.length > 0) throw new CommandError(`map takes one MODULE#EXPORT, and ${others[0]} is another`)
  const at = target.lastIndexOf('#')
  if (at < 1 || at === target.length - 1) {
    throw new CommandError(`${target} is no MODULE#EXPORT, as in ./work.js#parse`)
  }
  const chunk = values.chunk === 'auto' ? 'auto' : integer('chunk', values.chunk ?? '1', Infinity)
  const timeout = milliseconds('timeout', values.timeout)
  if (timeout !== undefined && chunk !== 1) {
    throw new CommandError('--timeout is of each item, and a chunk of several runs as one: leave out --chunk')
  }
  if (values.resume === true && values.joblog === undefined) {
    throw new CommandError('--resume needs the --joblog of the run that is resumed')
  }
  // Where lines are typed, it would stand among them.
  const isTyped = values.input === undefined && process.stdin.isTTY
  return {
    module: target.slice(0, at),
    key: target.slice(at + 1),
    input: values.input,
    isUnordered: values.unordered === true,
    workers: values.workers === undefined ? undefined : integer('workers', values.workers, MOST_WORKERS),
    hasProcesses: values.processes === true,
    timeout,
    chunk,
    isRaw: values.raw === true,
    joblog: values.joblog,
    isResumed: values.resume === true,
    isFailFast: values['fail-fast'] === true,
    hasProgress: values['no-progress'] !== true && (values.progress ?? (process.stderr.isTTY && !isTyped)),
  }
}

interface Parsed {
  readonly values: { readonly [K in keyof typeof OPTIONS]?: ValueOf<(typeof OPTIONS)[K]['type']> }
  readonly positionals: string[]
}

type ValueOf<T> = T extends 'string' ? string : boolean

function parse(args: string[]): Parsed {
  try {
    return parseArgs({ args, options: OPTIONS, allowPositionals: true })
  } catch (error) {
    throw wrongArguments('map', error)
  }
}
