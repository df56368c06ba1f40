/** MODULE of `MODULE#EXPORT`: what a worker imports. */
import { statSync } from 'node:fs'
import type { Stats } from 'node:fs'
import { resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { CommandError } from './usage.ts'

/**
 * The URL of a file, relative to the current directory; of what is none, and does not look like a path, the
 * name of a package, which a worker resolves from the current directory.
 *
 * @throws CommandError for a path at which no file lies
 */
export function specifierOf(module: string): string {
  if (/^(file|data|node):/.test(module)) return module
  const path = resolve(module)
  if (statSync(path, { throwIfNoEntry: false })?.isFile() === true) return pathToFileURL(path).href
  if (/^\.{0,2}[/\\]/.test(module)) throw new CommandError(`there is no file ${path}`)
  return module
}

/** The file of a module, if it is one that lies there. */
export function statOf(specifier: string): Stats | undefined {
  try {
    return specifier.startsWith('file:') ? statSync(fileURLToPath(specifier)) : undefined
  } catch {
    return undefined
  }
}
