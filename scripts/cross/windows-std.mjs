// Rust's standard library for Windows. rustup installs it; where it has not, cargo builds it from its
// sources, which rustup has too, or else Debian in a package of the compiler's own version.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { Failure, must } from '../command.mjs'
import { step } from '../step.mjs'
import { libraryFolder, rustEnv } from '../toolchain.mjs'
import { debianFolder, suiteWith } from './debian.mjs'

export const TARGET = 'x86_64-pc-windows-gnu'

const SUITES = ['trixie-backports', 'sid', 'trixie']

async function fromDebian(version) {
  const sources = `rust-src=${version}+`
  const suite = await suiteWith(SUITES, 'amd64', sources)
  if (suite === undefined) {
    throw new Failure(
      `the standard library for ${TARGET} is missing: rustup target add ${TARGET} (Debian has no sources of Rust ${version})`,
    )
  }
  const inner = `usr/src/rustc-${version}/library`
  return join(await debianFolder(suite, 'amd64', [sources], [inner]), inner)
}

/** What `cargo` needs besides to compile for Windows: arguments and variables. */
export async function stdForWindows() {
  const env = rustEnv()
  const libraries = await libraryFolder()
  if (existsSync(join(libraries, TARGET))) return { args: [], env: {} }
  const args = ['-Z', 'build-std=std,panic_unwind']
  // The compiler is a stable one, and building std is not: this says that it is meant.
  const unstable = { RUSTC_BOOTSTRAP: '1' }
  if (existsSync(join(libraries, 'src/rust/library'))) return { args, env: unstable }
  const { stdout } = await must('rustc', 'rustc', ['--version'], { env })
  const folder = await step('sources of the standard library', () => fromDebian(stdout.split(' ')[1]))
  // cargo looks for them in the toolchain's own folder only, but for this variable of its tests.
  return { args, env: { ...unstable, __CARGO_TESTS_ONLY_SRC_ROOT: folder } }
}
