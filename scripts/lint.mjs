// npm run lint [-- NAME …]: what can be said of the sources without running them: a line for each check, and
// one that adds them up. The configs are in the root: .oxlintrc.json, .prettierrc.json, knip.jsonc,
// rustfmt.toml, clippy.toml and deny.toml.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { addUp, chosenOf } from './add-up.mjs'
import { build } from './build.mjs'
import { Failure, main, must, root } from './command.mjs'
import { checkCrates } from './lint/cargo-deny.mjs'
import { knip, oxlint, prettier } from './lint/javascript.mjs'
import { rustEnv } from './toolchain.mjs'
import { checkVersions } from './version.mjs'

const cargo = (...args) => must(`cargo ${args[0]}`, 'cargo', args, { env: rustEnv() })

/** A lock file that names hosts makes npm ask these, also where there is another registry. */
async function locks() {
  const { stdout } = await must('git', 'git', ['ls-files', '*package-lock.json'])
  const lines = stdout
    .trim()
    .split('\n')
    .flatMap((file) => {
      const named = readFileSync(join(root, file), 'utf8').match(/"resolved": *"[a-z+]*:\/\/[^"]*"/g) ?? []
      return named.map((text) => `${file}: ${text}`)
    })
  if (lines.length > 0) throw new Failure(lines.slice(0, 20).join('\n'))
}

const checks = {
  oxlint,
  prettier,
  knip,
  rustfmt: () => cargo('fmt', '--all', '--check'),
  clippy: () => cargo('clippy', '--workspace', '--all-targets', '--quiet', '--', '-D', 'warnings', '-D', 'clippy::too_many_lines'),
  'cargo-deny': checkCrates,
  locks,
  version: () => checkVersions(),
}

/** What a check throws is its result: the others run all the same. */
async function resultOf(check) {
  try {
    await check()
    return { passed: 1, failed: 0 }
  } catch (error) {
    return { passed: 0, failed: 1, details: error instanceof Failure ? error.message : error.stack }
  }
}

await main(async () => {
  const names = chosenOf(Object.keys(checks), 'check')
  // What is built is named by what is not, and has types.
  await build()
  await addUp(names, (name) => resultOf(checks[name]), { closing: (name) => name })
})
