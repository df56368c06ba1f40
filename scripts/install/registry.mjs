// A registry on this machine that has our packages as if they were published. All others it asks the registry
// for that npm is set to.
import { cpSync } from 'node:fs'
import { join } from 'node:path'
import { must, npmScript, root } from '../command.mjs'
import { pack } from '../pack.mjs'
import { manifestOf, platforms } from '../platforms.mjs'
import { startRegistry } from '../registry.mjs'

/**
 * What is published: our tarballs, and for the platforms that were not built here packages without a binary.
 * Nothing loads those, but package managers read them to decide what to install.
 */
async function publish({ folder, npmrc }) {
  const packed = await pack({ asksFor: platforms() })
  const names = new Set(packed.map(({ name }) => name))
  const sources = packed.map(({ path }) => path)
  for (const platform of platforms()) {
    if (names.has(manifestOf(`npm/${platform}`).name)) continue
    const standIn = join(folder, 'stand-ins', platform)
    cpSync(join(root, 'npm', platform), standIn, { recursive: true })
    sources.push(standIn)
  }
  const args = ['publish', '--ignore-scripts', '--userconfig', npmrc]
  await Promise.all(sources.map((source) => must('npm publish', process.execPath, [npmScript(), ...args, source], { cwd: folder })))
}

export async function startFilledRegistry(scratch) {
  const { stdout } = await must('npm config', process.execPath, [npmScript(), 'config', 'get', 'registry'])
  const registry = await startRegistry(scratch, { upstream: stdout.trim() })
  await publish(registry)
  return registry
}
