// Rust: where it is, and what to do when it is not there.
import { readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { delimiter, join } from 'node:path'
import { Failure, root, run } from './command.mjs'

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

function isOlder(version, than) {
  const [a, b] = [version, than].map((text) => text.split('.').map(Number))
  return a[0] !== b[0] ? a[0] < b[0] : a[1] < b[1]
}

/** Which compiler there is; throws when none, or too old a one. */
export async function rustVersion() {
  const env = rustEnv()
  const answers = await Promise.all(
    ['cargo', 'rustc'].map((program) => run(program, ['--version'], { env }).catch(() => ({ code: -1 }))),
  )
  const cure = `install Rust ${oldest()} or newer from https://rustup.rs, then run this again`
  if (answers.some(({ code }) => code !== 0)) throw new Failure(`Rust is missing: ${cure}`)
  const version = answers[1].stdout.trim()
  if (isOlder(version.split(' ')[1], oldest())) throw new Failure(`${version} is too old: ${cure}`)
  return version
}
