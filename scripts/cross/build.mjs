// node scripts/cross/build.mjs PLATFORM...: the addon as it is shipped, for platforms of Linux, in the
// repository's root. Linked by zig for the oldest C library that may load it, whatever system this is.
import { chmodSync, copyFileSync, mkdirSync, renameSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { Failure, main, must, root } from '../command.mjs'
import { fileOf } from '../platforms.mjs'
import { unlessBuilt } from '../stamp.mjs'
import { step } from '../step.mjs'
import { rustEnv, rustSources, rustVersion, withStd } from '../toolchain.mjs'
import { describe, faultsOf } from './inspect.mjs'
import { GLIBC, targetOf } from './targets.mjs'
import { CACHE, zigTools } from './tools.mjs'

function rustFlags({ libc }) {
  const flags = [process.env.RUSTFLAGS]
  // For musl rustc makes static programs, unless told otherwise: a Node.js for musl loads shared libraries.
  if (libc === 'musl') flags.push('-C target-feature=-crt-static')
  // The names of sources in messages of panics: the same, whoever has built. Flags are parted by spaces.
  const home = process.env.CARGO_HOME ?? join(homedir(), '.cargo')
  if (!home.includes(' ')) flags.push(`--remap-path-prefix=${home}/registry/src=registry`)
  return flags.filter(Boolean).join(' ')
}

async function compile(platform, to) {
  const target = targetOf(platform)
  const { env } = await zigTools()
  await withStd(target.triple)
  await step(`build the addon that is shipped for ${platform}`, async (note) => {
    const folder = process.env.CARGO_TARGET_DIR ?? join(root, 'target')
    const zigTarget = target.libc === 'gnu' ? `${target.triple}.${GLIBC}` : target.triple
    const what = ['--release', '--locked', '--lib', '-p', 'concurrent-futures-binding', '--target', zigTarget]
    const more = { CARGO_TARGET_DIR: folder, RUSTFLAGS: rustFlags(target) }
    await must('cargo zigbuild', 'cargo', ['zigbuild', ...what], { env: { ...env, ...more }, onLine: note })
    replace(join(folder, target.triple, 'release/libbinding.so'), to)
  })
}

/** Renamed last: a process that has the old one mapped keeps it whole. */
function replace(from, to) {
  copyFileSync(from, `${to}.new`)
  chmodSync(`${to}.new`, 0o755)
  renameSync(`${to}.new`, to)
}

/** Builds what is missing or out of date; answers the path of the binary, which has passed inspection. */
export async function shippedAddon(platform) {
  const folder = join(CACHE, platform)
  const path = join(folder, fileOf(platform))
  mkdirSync(folder, { recursive: true })
  const scripts = ['build.mjs', 'requirements.txt', 'targets.mjs'].map((name) => `scripts/cross/${name}`)
  await unlessBuilt(
    `addon-${platform}`,
    {
      inputs: ['Cargo.toml', 'Cargo.lock', 'build.rs', ...scripts, ...rustSources()],
      outputs: [path.slice(root.length + 1)],
      more: JSON.stringify([await rustVersion(), rustFlags(targetOf(platform)), profile()]),
    },
    () => compile(platform, path),
  )
  const faults = faultsOf(path, platform)
  if (faults.length > 0) throw new Failure(`the binary for ${platform} cannot be shipped: ${faults.join('; ')}`)
  return path
}

/** Variables by which somebody builds in another way than Cargo.toml says. */
function profile() {
  return Object.entries(rustEnv()).filter(([name]) => name.startsWith('CARGO_PROFILE_RELEASE_'))
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  await main(async () => {
    const platforms = process.argv.slice(2)
    for (const platform of platforms) targetOf(platform)
    if (platforms.length === 0) throw new Failure('which platform? node scripts/cross/build.mjs linux-x64-gnu')
    for (const platform of platforms) {
      const path = await shippedAddon(platform)
      replace(path, join(root, fileOf(platform)))
      console.log(`${fileOf(platform)}: ${describe(path)}`)
    }
  })
}
