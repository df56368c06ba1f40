/** How the children of a pool are started: program, words and environment. */
import { fileURLToPath } from 'node:url'
import type { Children } from '../addon/children.ts'
import { isPermissionFlag } from '../options/process-pool-options.ts'
import type { CheckedProcessOptions } from '../options/process-pool-options.ts'
import { entry } from '../pool/entry.ts'
import type { PackedInitializer } from '../pool/fleet.ts'
import { CHILD, nextGeneration } from '../tasks/recursion.ts'
import { inheritedFlags, inheritedOptions } from './inherited-flags.ts'
import { permissionFlags } from './permission-flags.ts'

/** What a process is told by whoever has started it, of a channel that its own children do not have. */
const OF_THE_STARTER: readonly string[] = [
  'NODE_CHANNEL_FD',
  'NODE_CHANNEL_SERIALIZATION_MODE',
  'NODE_UNIQUE_ID',
  'WATCH_REPORT_DEPENDENCIES',
]

/** What the addon needs to start the children of a pool. */
export function childrenOf(
  options: CheckedProcessOptions,
  initializer: PackedInitializer | undefined,
): Children {
  const { argv, maxMemoryPerWorker, permission } = options
  const file = fileURLToPath(entry)
  const args = [...flagsOf(options, file), file, ...argv]
  return [
    process.execPath,
    args,
    environmentOf(options),
    initializer?.task.number ?? 0,
    initializer?.form ?? 0,
    initializer?.args,
    maxMemoryPerWorker ?? -1,
    permission !== undefined,
    permission === undefined || permission.childProcess,
    initializer?.shared ?? [],
  ]
}

function flagsOf({ execArgv, permission }: CheckedProcessOptions, file: string): string[] {
  const isOurs = permission === undefined ? undefined : isPermissionFlag
  // As with threads, a list that is given stands for all that would be inherited.
  const flags = execArgv ?? inheritedFlags(process.execArgv ?? [], isOurs)
  return permission === undefined ? [...flags] : [...permissionFlags(permission, file), ...flags]
}

/** The environment, as NAME=value. */
function environmentOf({ env, permission }: CheckedProcessOptions): string[] {
  const given: Record<string, string | undefined> = { ...(env ?? process.env) }
  for (const name of OF_THE_STARTER) delete given[name]
  const own = given['NODE_OPTIONS']
  const isOurs = permission === undefined ? undefined : isPermissionFlag
  if (own !== undefined) {
    // What the user has written for the children is left as it is, but for what `permission` says.
    if (own === process.env['NODE_OPTIONS']) given['NODE_OPTIONS'] = inheritedOptions(own, isOurs)
    else if (isOurs !== undefined) given['NODE_OPTIONS'] = withoutFlags(own, isOurs)
  }
  const coverage = process.env['NODE_V8_COVERAGE']
  // As Node does it for the processes that it starts.
  if (coverage !== undefined && given['NODE_V8_COVERAGE'] === undefined) given['NODE_V8_COVERAGE'] = coverage
  given[CHILD] = `${process.pid}.${nextGeneration}`
  return Object.entries(given).map(([name, value]) => `${name}=${value}`)
}

function withoutFlags(text: string, isOurs: (flag: string) => boolean): string {
  return text
    .split(' ')
    .filter((word) => !isOurs(word))
    .join(' ')
}
