/**
 * Makes a thread that runs the entry of our workers, whatever flags the process and the environment have:
 * those that the user has not given as `execArgv` must not keep it from starting.
 *
 * Without an `execArgv` a worker inherits the flags of its process unchecked, V8's and the process's own
 * among them. An explicit list is checked, and refused for such a flag; so none is ever made here.
 */
import workerThreads from 'node:worker_threads'
import type { Worker, WorkerOptions } from 'node:worker_threads'
import { toJson } from '../host/json.ts'
import { haveInputType, inheritsInputType } from './text-flags.ts'
import type { WorkerSeed } from './worker-seed.ts'

type Options = WorkerOptions & { workerData: WorkerSeed }

/** @throws what the constructor of Worker throws */
export function makeThread(entry: URL, options: Options): Worker {
  const { env, execArgv } = options
  const environment = typeof env === 'object' ? env : process.env
  const isTyped =
    (execArgv === undefined ? inheritsInputType : haveInputType(execArgv)) ||
    String(environment['NODE_OPTIONS']).includes('--input-type')
  // Node takes no file where a type of text is given, but it takes a text that imports the file.
  const [program, kind] = isTyped ? [`import(${toJson(entry.href)})`, { eval: true }] : [entry, {}]
  for (let tried = options; ;) {
    try {
      // The one that is there now: tools that observe threads put others in its place.
      return new workerThreads.Worker(program, { ...tried, ...kind })
    } catch (error) {
      const next = withoutRefused(tried, error)
      if (next === undefined) throw error
      tried = next
    }
  }
}

/** What Node says of NODE_OPTIONS in an `env` that a worker cannot have, and the flag that it names there. */
const REFUSED = /invalid NODE_OPTIONS env variable: [^-]*(--?[\w-]+)?/

/** A word of NODE_OPTIONS: spaces may stand between quotes. */
const WORD = /(?:"(?:\\.|[^"\\])*"|[^\s"])+/g

/**
 * The options without the flag in the NODE_OPTIONS of their `env` that Node has refused, as it does those of
 * the process; undefined if it was something else. The worker puts the text back for the processes that its
 * tasks start.
 */
function withoutRefused(options: Options, error: unknown): Options | undefined {
  const { env, workerData } = options
  const match = REFUSED.exec(String((error as Error).message))
  const given = typeof env === 'object' ? env['NODE_OPTIONS'] : undefined
  if (match === null || given === undefined || given === '') return undefined
  return {
    ...options,
    env: { ...(env as NodeJS.ProcessEnv), NODE_OPTIONS: withoutFlag(given, match[1]) },
    workerData: { ...workerData, nodeOptions: workerData.nodeOptions ?? given },
  }
}

/** NODE_OPTIONS without a flag and its value; nothing at all if the flag is not there, so that this ends. */
function withoutFlag(text: string, flag: string | undefined): string {
  const words = text.match(WORD) ?? []
  const at = words.findIndex((word) => word === flag || word.startsWith(`${flag}=`))
  if (at < 0) return ''
  const next = words.findIndex((word, index) => index > at && word.startsWith('-'))
  return [...words.slice(0, at), ...(next < 0 ? [] : words.slice(next))].join(' ')
}
