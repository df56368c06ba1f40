// Rust: where it is, and what to do when it is not there.
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { homedir } from 'node:os'
import { delimiter, join } from 'node:path'
import { Failure, must, root, run } from './command.mjs'
import { isNewer } from './newer.mjs'
import { step } from './step.mjs'

/**
 * The environment for Rust's programs. A shell from before the installation does not have them on its PATH
 * yet.
 */
export function rustEnv(more = {}) {
  const folder = join(process.env.CARGO_HOME ?? join(homedir(), '.cargo'), 'bin')
  return { ...process.env, PATH: `${process.env.PATH ?? ''}${delimiter}${folder}`, ...more }
}

function oldest() {
  return /^rust-version = "(.+)"$/m.exec(readFileSync(join(root, 'Cargo.toml'), 'utf8'))[1]
}

/** Which compiler there is; throws when none, or too old a one. */
export async function rustVersion() {
  const env = rustEnv()
  const answers = await Promise.all(['cargo', 'rustc'].map((program) => run(program, ['--version'], { env }).catch(() => ({ code: -1 }))))
  const cure = `install Rust ${oldest()} or newer from https://rustup.rs, then run this again`
  if (answers.some(({ code }) => code !== 0)) throw new Failure(`Rust is missing: ${cure}`)
  const version = answers[1].stdout.trim()
  if (isNewer(oldest(), version.split(' ')[1])) throw new Failure(`${version} is too old: ${cure}`)
  return version
}

/** What of the crates goes into the addon: not their tests and examples. */
export function rustSources() {
  return readdirSync(join(root, 'crates')).flatMap((crate) => [`crates/${crate}/src`, `crates/${crate}/Cargo.toml`])
}

/** Where the compiler looks for standard libraries and, as `src`, for their sources. */
export async function libraryFolder() {
  const { stdout } = await must('rustc', 'rustc', ['--print', 'sysroot'], { env: rustEnv() })
  return join(stdout.trim(), 'lib/rustlib')
}

/** Sees that the compiler has the standard library for a target: rustup adds it, other Rusts must have it. */
export async function withStd(triple) {
  const env = rustEnv()
  if (existsSync(join(await libraryFolder(), triple, 'lib'))) return
  await step(`add ${triple} to Rust`, async () => {
    const { code, output } = await run('rustup', ['target', 'add', triple], { env }).catch((error) => ({ output: error.message }))
    if (code !== 0) throw new Failure(`Rust has no standard library for ${triple}, and rustup has not added it\n${output}`)
  })
}
