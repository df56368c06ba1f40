// zig, which links for any C library of Linux, and cargo-zigbuild, which gives it to cargo: those on the PATH
// if they are of the versions in requirements.txt, else wheels of these, in .build/cross/tools.
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { Failure, must, root, run } from '../command.mjs'
import { step } from '../step.mjs'
import { rustEnv } from '../toolchain.mjs'

export const CACHE = join(root, '.build/cross')
const REQUIREMENTS = join(root, 'scripts/cross/requirements.txt')
const FOLDER = join(CACHE, 'tools')
/** Written last: holds what the folder was made from. */
const DONE = join(FOLDER, 'requirements.txt')

const wanted = () => readFileSync(REQUIREMENTS, 'utf8')
const versionOf = (name) => new RegExp(`^${name}==(\\S+)`, 'm').exec(wanted())[1]

async function says(program, args) {
  const { stdout } = await run(program, args, { env: rustEnv() }).catch(() => ({ stdout: '' }))
  return stdout.trim()
}

async function areOnPath() {
  const [zig, zigbuild] = await Promise.all([says('zig', ['version']), says('cargo-zigbuild', ['--version'])])
  return zig === versionOf('ziglang') && zigbuild.split(' ').at(-1) === versionOf('cargo-zigbuild')
}

export async function python() {
  for (const program of ['python3', 'python']) {
    const { code } = await run(program, ['-m', 'pip', '--version']).catch(() => ({ code: -1 }))
    if (code === 0) return program
  }
  const both = `zig ${versionOf('ziglang')} and cargo-zigbuild ${versionOf('cargo-zigbuild')}`
  throw new Failure(`Python's pip is missing, by which zig comes: install python3-pip, or put ${both} on the PATH`)
}

async function install() {
  if (existsSync(DONE) && readFileSync(DONE, 'utf8') === wanted()) return
  await step('install zig and cargo-zigbuild', async () => {
    rmSync(FOLDER, { recursive: true, force: true })
    const exact = ['--require-hashes', '--only-binary', ':all:', '--no-deps', '-r', REQUIREMENTS]
    const quiet = ['--quiet', '--no-compile', '--no-cache-dir', '--disable-pip-version-check']
    await must('pip', await python(), ['-m', 'pip', 'install', ...quiet, ...exact, '--target', FOLDER])
    writeFileSync(DONE, wanted())
  })
}

/**
 * The environment in which `cargo zigbuild` works, and where zig is. What they keep for the next time stays
 * in the repository's own folder.
 */
export async function zigTools() {
  const kept = { CARGO_ZIGBUILD_CACHE_DIR: join(CACHE, 'zigbuild'), ZIG_GLOBAL_CACHE_DIR: join(CACHE, 'zig') }
  if (await areOnPath()) return { zig: 'zig', env: rustEnv(kept) }
  await install()
  const zig = join(FOLDER, 'ziglang/zig')
  const PATH = `${join(FOLDER, 'bin')}${delimiter}${rustEnv().PATH}`
  return { zig, env: rustEnv({ ...kept, PATH, CARGO_ZIGBUILD_ZIG_PATH: zig }) }
}
