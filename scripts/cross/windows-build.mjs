// The addon and the example plug-in for Windows on x64, compiled on Linux with MinGW. It is a check: what
// is shipped is built by Microsoft's compiler, from the same sources, on Windows.
import { copyFileSync, existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Failure, must, root, run } from '../command.mjs'
import { fileOf } from '../platforms.mjs'
import { step } from '../step.mjs'
import { rustEnv } from '../toolchain.mjs'
import { CACHE } from './tools.mjs'
import { stdForWindows, TARGET } from './windows-std.mjs'

/** It bears the name of what is shipped, for that is what the package looks for. */
export const PLATFORM = 'win32-x64-msvc'
const GCC = 'x86_64-w64-mingw32-gcc'
const OUT = join(CACHE, 'windows')

async function requireMingw() {
  const answer = await run(GCC, ['--version']).catch(() => undefined)
  if (answer === undefined) throw new Failure(`${GCC} is missing: apt-get install gcc-mingw-w64-x86-64`)
}

/**
 * A library without contents. napi-build links every addon for MinGW with a libnode.dll, from which this
 * one takes nothing: it looks N-API up when it is loaded.
 */
async function emptyNode() {
  const folder = join(OUT, 'empty-node')
  mkdirSync(folder, { recursive: true })
  if (existsSync(join(folder, 'libnode.dll'))) return folder
  writeFileSync(join(folder, 'empty.c'), 'int nothing;\n')
  await must(GCC, GCC, ['-shared', '-o', 'libnode.dll', 'empty.c'], { cwd: folder })
  return folder
}

/** Answers the paths of both. */
export async function buildForWindows() {
  await requireMingw()
  const std = await stdForWindows()
  const env = rustEnv({ ...std.env, LIBNODE_PATH: await emptyNode() })
  const folder = env.CARGO_TARGET_DIR ?? join(root, 'target')
  const what = ['build', '--release', '--locked', '-p', 'concurrent-futures-binding', '--target', TARGET, '--target-dir', folder]
  await step('build the addon for Windows (Rust, release)', (note) =>
    must('cargo build', 'cargo', [...what, ...std.args], { env, onLine: note }),
  )
  const addon = join(OUT, fileOf(PLATFORM))
  copyFileSync(join(folder, TARGET, 'release/binding.dll'), addon)
  const plugin = join(OUT, 'plugin.dll')
  const flags = ['-std=c11', '-O2', '-shared', '-static', '-I', 'crates/task/include']
  await must(GCC, GCC, [...flags, '-o', plugin, 'examples/plugin-c/plugin.c', '-lpthread'])
  return { addon, plugin }
}
