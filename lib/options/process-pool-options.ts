/** The options of a pool of child processes: checked once, by its constructor. */
import { SHARE_ENV } from 'node:worker_threads'
import { array, boolean, integer, options as checkOptions, string, wrongType } from './check.ts'
import { checkEnv, checkPoolOptions, named, POOL_NAMES, strings } from './pool-options.ts'
import type { CheckedPoolOptions, PoolOptions } from './pool-options.ts'

/**
 * What children may do under Node's permission model; what is not named is refused as far as the running
 * Node can. A key for which it has no flag is a TypeError, whatever its value. Node does not claim that the
 * model holds malicious code; docs/processes.md says what stays open.
 */
export interface ProcessPermission {
  /**
   * Files and folders that may be read: paths, relative ones from the current directory. A folder stands for
   * all that is in it, `'*'` for everything. What a link leads to is granted with it. Default: none but this
   * package.
   */
  fsRead?: readonly string[] | undefined
  /** The same for writing. Default: none. */
  fsWrite?: readonly string[] | undefined
  /**
   * Whether processes may be started; default false. What they run may not be held by the model: `true` is as
   * good as no `permission`.
   */
  childProcess?: boolean | undefined
  /**
   * Whether worker threads may be started; default false. Such a thread can load addons, which do what they
   * like.
   */
  worker?: boolean | undefined
  /** Whether the network may be used; default false. A TypeError where Node cannot refuse it (before 25). */
  net?: boolean | undefined
}

/**
 * What the constructor of `ProcessPoolExecutor` takes. All times are milliseconds.
 *
 * `execArgv`, if it is given, stands for all flags that children would inherit; by default these are this
 * process's own, without what says what it runs, watches, tests or waits for. `argv` follows the entry file
 * in the `process.argv` of a child. The heap of a child is limited by `--max-old-space-size` in `execArgv`.
 *
 * @example
 * ```ts
 * const executor = new ProcessPoolExecutor({
 *   maxTasksPerWorker: 1,
 *   env: {},
 *   permission: { fsRead: [fileURLToPath(new URL('./strangers/', import.meta.url))] },
 * })
 * ```
 */
export interface ProcessPoolOptions extends PoolOptions {
  /**
   * The whole environment of the children; default: that of this process, as it is when the executor is made,
   * secrets included. Not `SHARE_ENV`.
   */
  env?: NodeJS.ProcessEnv | undefined
  /**
   * In bytes, at least 1: a child with more resident memory than this when a task has ended is replaced by
   * a fresh one once it holds no task. Node itself takes some 50 MB, shared pages included. No limit while a
   * task runs. Default, and `Infinity`: no limit.
   */
  maxMemoryPerWorker?: number | undefined
  /**
   * Runs the children under Node's permission model; `{}` grants nothing. This package can be read and its
   * addon loads, no other addon and no `loadNative`; the folders of task modules are to be named in `fsRead`.
   * Flags of the model in `execArgv` beside it are a TypeError. Default: children may do what this process
   * may.
   */
  permission?: ProcessPermission | undefined
}

export interface CheckedPermission {
  readonly fsRead: readonly string[]
  readonly fsWrite: readonly string[]
  readonly childProcess: boolean
  readonly worker: boolean
  readonly net: boolean
}

export interface CheckedProcessOptions extends CheckedPoolOptions {
  readonly env: Record<string, string> | undefined
  readonly argv: readonly string[]
  readonly execArgv: readonly string[] | undefined
  readonly maxMemoryPerWorker: number | undefined
  readonly permission: CheckedPermission | undefined
}

const NAMES = [...POOL_NAMES, 'env', 'maxMemoryPerWorker', 'permission'] as const

/** The flag of Node's by which each key is granted. */
const FLAGS: Readonly<Record<keyof ProcessPermission, string>> = {
  fsRead: '--allow-fs-read',
  fsWrite: '--allow-fs-write',
  childProcess: '--allow-child-process',
  worker: '--allow-worker',
  net: '--allow-net',
}

const KEYS = Object.keys(FLAGS) as (keyof ProcessPermission)[]

/** All flags of Node's by which a process is kept to rules, and let do things. Some of V8's begin so, too. */
const PERMISSION_FLAGS: readonly string[] = [
  ...Object.values(FLAGS),
  ...['--permission', '--experimental-permission', '--permission-audit', '--allow-addons', '--allow-ffi'],
  ...['--allow-fs-vfs', '--allow-inspector', '--allow-openssl-store', '--allow-wasi'],
]

/** Whether a word of `execArgv` or NODE_OPTIONS is one of these. */
export function isPermissionFlag(word: string): boolean {
  const name = word
    .replace(/=.*$/s, '')
    .replaceAll('_', '-')
    .replace(/^--no-/, '--')
  return PERMISSION_FLAGS.includes(name)
}

/** Checks what the constructor of a process pool was given. @throws TypeError, RangeError */
export function checkProcessOptions(given: number | ProcessPoolOptions | undefined): CheckedProcessOptions {
  const read = checkOptions<ProcessPoolOptions>(named(given), 'options', NAMES)
  const pool = checkPoolOptions(read, 'process')
  const execArgv =
    read.execArgv === undefined ? undefined : texts(strings(read.execArgv, 'execArgv'), 'execArgv')
  const watching = execArgv?.find((word) => /^--watch(=|$|-path)/.test(word))
  if (watching !== undefined) {
    throw new TypeError(`execArgv must not have ${watching}: Node would run another program in the child`)
  }
  return {
    ...pool,
    env: read.env === undefined ? undefined : environment(read.env),
    argv: read.argv === undefined ? [] : texts(array(read.argv, 'argv'), 'argv'),
    execArgv,
    maxMemoryPerWorker:
      read.maxMemoryPerWorker === undefined || read.maxMemoryPerWorker === Infinity
        ? undefined
        : integer(read.maxMemoryPerWorker, 'maxMemoryPerWorker', 1),
    permission: read.permission === undefined ? undefined : checkPermission(read.permission, execArgv),
  }
}

/** The system ends a text at its first null character. */
function whole(text: string, name: string): string {
  if (text.includes('\0')) throw wrongType(name, 'a string without null characters', text)
  return text
}

/** Texts of the values, as Node makes them of the `argv` of a thread. */
function texts(values: readonly unknown[], name: string): string[] {
  return values.map((value, index) => {
    if (typeof value === 'symbol') throw wrongType(`${name}[${index}]`, 'a string', value)
    return whole(String(value), `${name}[${index}]`)
  })
}

function environment(given: unknown): Record<string, string> {
  if (given === SHARE_ENV) {
    throw new TypeError('env must be an object: SHARE_ENV is for threads, each process has a copy of its own')
  }
  const env = Object.create(null) as Record<string, string>
  for (const [name, value] of Object.entries(checkEnv(given))) {
    if (value === undefined) continue
    if (name === '' || name.includes('=')) throw wrongType('a name in env', "a string without '='", name)
    env[whole(name, 'a name in env')] = whole(String(value), `env.${name}`)
  }
  return env
}

function checkPermission(given: unknown, execArgv: readonly string[] | undefined): CheckedPermission {
  const read = checkOptions<ProcessPermission>(given, 'permission', KEYS)
  const flag = execArgv?.find(isPermissionFlag)
  if (flag !== undefined) {
    throw new TypeError(`execArgv must not have ${flag} beside permission, which says it itself`)
  }
  for (const key of KEYS) {
    if (read[key] !== undefined && !process.allowedNodeEnvironmentFlags.has(FLAGS[key])) {
      throw new TypeError(
        `permission.${key} means nothing here: Node.js ${process.version} has no ${FLAGS[key]}`,
      )
    }
  }
  return {
    fsRead: paths(read.fsRead, 'permission.fsRead'),
    fsWrite: paths(read.fsWrite, 'permission.fsWrite'),
    childProcess: boolean(read.childProcess, 'permission.childProcess'),
    worker: boolean(read.worker, 'permission.worker'),
    net: boolean(read.net, 'permission.net'),
  }
}

function paths(given: unknown, name: string): string[] {
  if (given === undefined) return []
  return array(given, name).map((one, index) => {
    const at = `${name}[${index}]`
    const path = whole(string(one, at), at)
    if (path === '') throw new TypeError(`${at} must be a path, got ''`)
    return path
  })
}
