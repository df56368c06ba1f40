/** The arguments of `worker`, checked. */
import { parseArgs } from 'node:util'
import { integer, milliseconds } from './numbers.ts'
import { specifierOf, statOf } from './target.ts'
import { CommandError, wrongArguments } from './usage.ts'

export interface WorkerCommandOptions {
  /** URLs by their names. */
  readonly modules: Readonly<Record<string, string>>
  readonly queue: string
  readonly connection: string
  readonly prefix: string | undefined
  readonly workers: number | undefined
  readonly hasProcesses: boolean
  readonly grace: number
}

const MOST_WORKERS = 1_024

const OPTIONS = {
  modules: { type: 'string', multiple: true },
  queue: { type: 'string' },
  connection: { type: 'string' },
  prefix: { type: 'string' },
  workers: { type: 'string' },
  processes: { type: 'boolean' },
  grace: { type: 'string' },
} as const

/** @throws CommandError for wrong usage */
export function parseWorkerOptions(args: string[]): WorkerCommandOptions {
  const { values, positionals } = parse(args)
  const { queue, connection, prefix, workers, grace } = values
  // A shell makes several words of `--modules a=./a.js b=./b.js`.
  const pairs = [...(values.modules ?? []), ...positionals]
  if (values.modules === undefined)
    throw new CommandError('worker needs --modules NAME=FILE (see worker --help)')
  if (queue === undefined) throw new CommandError('worker needs --queue, the name of the queue')
  if (connection === undefined) {
    throw new CommandError('worker needs --connection, the URL of Redis, as in redis://localhost:6379')
  }
  return {
    modules: modulesOf(pairs),
    queue,
    connection,
    prefix,
    workers: workers === undefined ? undefined : integer('workers', workers, MOST_WORKERS),
    hasProcesses: values.processes === true,
    grace: milliseconds('grace', grace) ?? Infinity,
  }
}

function modulesOf(pairs: readonly string[]): Record<string, string> {
  const modules: Map<string, string> = new Map()
  for (const [name, url] of pairs.map(moduleOf)) {
    if (modules.has(name)) throw new CommandError(`--modules names two modules ${name}`)
    modules.set(name, url)
  }
  return Object.fromEntries(modules)
}

function moduleOf(pair: string): [name: string, url: string] {
  const at = pair.indexOf('=')
  if (at < 1 || at === pair.length - 1) {
    throw new CommandError(`--modules takes NAME=FILE, not ${JSON.stringify(pair)}`)
  }
  const file = pair.slice(at + 1)
  const url = specifierOf(file)
  const isThere = url.startsWith('file:') ? statOf(url)?.isFile() === true : /^(data|node):/.test(url)
  if (!isThere) throw new CommandError(`there is no file ${file} (--modules takes files)`)
  return [pair.slice(0, at), url]
}

function parse(
  args: string[],
): ReturnType<typeof parseArgs<{ options: typeof OPTIONS; allowPositionals: true }>> {
  try {
    return parseArgs({ args, options: OPTIONS, allowPositionals: true })
  } catch (error) {
    throw wrongArguments('worker', error)
  }
}
