// Whether something is built from what is there now. A stamp in .build/ holds the hash of the inputs and of
// the outputs as they were after the build: contents, not times, so that a fresh checkout, a branch and back,
// or a build by hand are all told apart.
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join, relative, sep } from 'node:path'
import { root } from './command.mjs'

function* files(path) {
  let entries
  try {
    entries = readdirSync(path, { withFileTypes: true })
  } catch (error) {
    if (error.code === 'ENOTDIR') yield path
    return
  }
  entries.sort((a, b) => (a.name < b.name ? -1 : 1))
  for (const entry of entries) if (entry.name !== 'target' && entry.name !== 'node_modules') yield* files(join(path, entry.name))
}

/**
 * The hash of files and folders (relative to the root), their names included; a missing one counts as such.
 */
export function hashOf(paths, more = '') {
  const hash = createHash('sha256').update(more)
  for (const path of paths) {
    let count = 0
    for (const file of files(join(root, path))) {
      const bytes = readFileSync(file)
      hash.update(`\0${relative(root, file).split(sep).join('/')}\0${bytes.length}\0`).update(bytes)
      count++
    }
    hash.update(`\0${path} ${count}\0`)
  }
  return hash.digest('hex')
}

const stampFile = (name) => join(root, '.build', `${name}.stamp`)

/** Calls `build` unless `outputs` are what the last call made of the same `inputs`; says whether it did. */
export async function unlessBuilt(name, parts, build) {
  const { inputs, more } = parts
  const before = hashOf(inputs, more)
  if (read(name) === `${before} ${hashOf(parts.outputs)}\n`) return false
  await build()
  mkdirSync(join(root, '.build'), { recursive: true })
  // With the hash from before: inputs that were changed during the build make the next run build again.
  writeFileSync(stampFile(name), `${before} ${hashOf(parts.outputs)}\n`)
  return true
}

function read(name) {
  try {
    return readFileSync(stampFile(name), 'utf8')
  } catch {
    return undefined
  }
}
