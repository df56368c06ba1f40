// oxlint, prettier and knip, each with its config in the root. One that does not see mistakes that are made
// for it must not pass: its config may have come to leave out what it is there for.
import { appendFileSync, cpSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { binOf, Failure, must, root, run } from '../command.mjs'
import { inFolder, mustSee } from './mistakes.mjs'

const node = (name, args, options) => run(process.execPath, [binOf(name, name), ...args], options)
const mustNode = (name, args) => must(name, process.execPath, [binOf(name, name), ...args])

const MISTAKES = `const twice = { a: 1, a: 2 }
const later = async (): Promise<number> => 1
export function read(): void {
  later()
}
`

/** Also what only types show: the packages of oxlint-tsgolint are found beside oxlint's own. */
export async function oxlint() {
  await inFolder(async (folder) => {
    writeFileSync(join(folder, 'mistakes.ts'), MISTAKES)
    writeFileSync(join(folder, 'tsconfig.json'), '{ "compilerOptions": { "strict": true }, "include": ["."] }')
    const { output } = await node('oxlint', ['--config', join(root, '.oxlintrc.json'), '--format', 'unix', folder])
    mustSee(output, ['no-dupe-keys', 'no-unused-vars', 'no-floating-promises'])
  })
  await mustNode('oxlint', ['--format', 'unix'])
}

export async function prettier() {
  const { check, resolveConfig } = await import('prettier')
  const path = join(root, 'lib/index.ts')
  const options = { ...(await resolveConfig(path)), filepath: path }
  if (await check('export const a: string = "1";\n', options)) throw new Failure('it lets quotes and semicolons pass')
  await mustNode('prettier', ['--check', '--log-level', 'warn', '.'])
}

/** In a copy of lib/ with the same config. */
export async function knip() {
  await inFolder(async (folder) => {
    for (const name of ['package.json', 'knip.jsonc', 'tsconfig.json', 'lib'])
      cpSync(join(root, name), join(folder, name), { recursive: true })
    writeFileSync(join(folder, 'lib/unused.ts'), 'export {}\n')
    appendFileSync(join(folder, 'lib/cli/usage.ts'), "import 'no-such-package'\nexport const UNUSED: number = 1\n")
    const { output } = await node('knip', ['--no-config-hints', '--no-progress'], { cwd: folder })
    mustSee(output, ['lib/unused.ts', 'no-such-package', 'UNUSED'])
  })
  await mustNode('knip', ['--no-config-hints', '--no-progress'])
}
