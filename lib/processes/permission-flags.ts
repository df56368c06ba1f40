/** The flags by which Node keeps children to what `permission` grants. */
import { existsSync, realpathSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { basename, dirname, join, resolve, sep } from 'node:path'
import type { CheckedPermission } from '../options/process-pool-options.ts'

const ALL = '*'

/**
 * The flags, for children that run this file of the package, and the preload beside it that keeps back Node's
 * warnings about them (worker/quiet.ts).
 */
export function permissionFlags(permission: CheckedPermission, file: string): string[] {
  const known = process.allowedNodeEnvironmentFlags
  const flags = [known.has('--permission') ? '--permission' : '--experimental-permission']
  // Our own is one; the child closes itself to others once that is loaded (worker/child.ts).
  if (known.has('--allow-addons')) flags.push('--allow-addons')
  if (permission.childProcess) flags.push('--allow-child-process')
  if (permission.worker) flags.push('--allow-worker')
  if (permission.net) flags.push('--allow-net')
  const read = [...permission.fsRead, ...ownFiles(file), ...linksIn([...permission.fsRead, '.'])]
  for (const path of grants(read)) flags.push(`--allow-fs-read=${path}`)
  for (const path of grants(permission.fsWrite)) flags.push(`--allow-fs-write=${path}`)
  return [...flags, '--require', join(dirname(file), 'quiet.cjs')]
}

/** What a child has to read before its first task: this package, and the folder of the addon. */
function ownFiles(file: string): string[] {
  const root = dirname(dirname(dirname(file)))
  return [root, ...loadedAddons(root).map(dirname)]
}

/**
 * By which names modules in these folders find this package, if it is a link there, as it is under pnpm
 * and in workspaces: Node has to read the link before what it leads to.
 */
function linksIn(folders: readonly string[]): string[] {
  const found = new Set<string>()
  for (const folder of folders) {
    if (folder === ALL) continue
    for (let at = resolve(folder), up = dirname(at); ; at = up, up = dirname(at)) {
      const link = join(at, 'node_modules', 'concurrent-futures')
      if (existsSync(link)) found.add(link)
      if (up === at) break
    }
  }
  return [...found]
}

/** Where the addon was loaded from: beside this package, from its own, or where the user has said. */
function loadedAddons(root: string): string[] {
  const beside = join(dirname(root), '@concurrent-futures', 'any')
  const loaded = Object.keys(createRequire(join(root, 'index.js')).cache).filter((path) =>
    /^concurrent-futures\..*\.node$/.test(basename(path)),
  )
  const named = process.env['NAPI_RS_NATIVE_LIBRARY_PATH']
  // Where a folder of packages has links, the addon is looked for by them.
  return [...loaded, ...(named === undefined ? [] : [resolve(named)]), beside]
}

/**
 * The paths as Node is to be given them: absolute, with what they are links to, each once. A folder stands
 * for all that is in it: Node adds the `*` itself, and Node 20 ends itself over a path that it is given
 * twice, the `*` of its own included.
 */
export function grants(paths: readonly string[]): string[] {
  const found = new Set<string>()
  for (const path of paths) {
    if (path === ALL) return [ALL]
    const plain = path.endsWith(`${sep}${ALL}`) ? path.slice(0, -ALL.length) : path
    const absolute = resolve(plain)
    for (const one of [absolute, target(absolute)]) {
      if (one !== undefined) found.add(isFolder(one) ? join(one, sep) : plain === path ? one : join(one, ALL))
    }
  }
  return [...found]
}

/** What a path leads to, by its links. What is not there yet lies in a folder that is. */
function target(path: string): string | undefined {
  for (let at = path, rest = ''; ;) {
    try {
      return join(realpathSync(at), rest)
    } catch {
      const up = dirname(at)
      if (up === at) return undefined
      rest = join(basename(at), rest)
      at = up
    }
  }
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory()
  } catch {
    return false
  }
}
