// zig, which links for any C library of Linux, and cargo-zigbuild, which gives it to cargo: those on the PATH
// if they are of the versions in requirements.txt, else wheels of these, in .build/cross/tools.
import { delimiter, join } from 'node:path'
import { root, run } from '../command.mjs'
import { pipInstall, versionIn } from '../pip.mjs'
import { rustEnv } from '../toolchain.mjs'

export const CACHE = join(root, '.build/cross')
const REQUIREMENTS = join(root, 'scripts/cross/requirements.txt')
const FOLDER = join(CACHE, 'tools')

const versionOf = (name) => versionIn(REQUIREMENTS, name)
const BOTH = `zig ${versionOf('ziglang')} and cargo-zigbuild ${versionOf('cargo-zigbuild')}`

async function says(program, args) {
  const { stdout } = await run(program, args, { env: rustEnv() }).catch(() => ({ stdout: '' }))
  return stdout.trim()
}

async function areOnPath() {
  const [zig, zigbuild] = await Promise.all([says('zig', ['version']), says('cargo-zigbuild', ['--version'])])
  return zig === versionOf('ziglang') && zigbuild.split(' ').at(-1) === versionOf('cargo-zigbuild')
}

/**
 * The environment in which `cargo zigbuild` works, and where zig is. What they keep for the next time stays
 * in the repository's own folder.
 */
export async function zigTools() {
  const kept = { CARGO_ZIGBUILD_CACHE_DIR: join(CACHE, 'zigbuild'), ZIG_GLOBAL_CACHE_DIR: join(CACHE, 'zig') }
  if (await areOnPath()) return { zig: 'zig', env: rustEnv(kept) }
  await pipInstall(REQUIREMENTS, FOLDER, 'zig and cargo-zigbuild', BOTH)
  const zig = join(FOLDER, 'ziglang/zig')
  const PATH = `${join(FOLDER, 'bin')}${delimiter}${rustEnv().PATH}`
  return { zig, env: rustEnv({ ...kept, PATH, CARGO_ZIGBUILD_ZIG_PATH: zig }) }
}
