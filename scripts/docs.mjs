// npm run docs: the site of docs/, in docs/.vitepress/dist; npm run docs:preview serves it as well. A link
// that leads nowhere fails. Its packages are installed in docs/, apart from the repository's own: they are
// many, and TypeDoc needs a TypeScript that is older.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { Failure, main, must, root } from './command.mjs'
import { installAlso } from './install.mjs'
import { step } from './step.mjs'

const folder = join(root, 'docs')

const bin = (name, file) => join(folder, 'node_modules', name, file)
async function build() {
  await installAlso('docs')
  rmSync(join(folder, 'reference'), { recursive: true, force: true })
  await step('the reference, of the sources', () => must('typedoc', process.execPath, [bin('typedoc', 'bin/typedoc')], { cwd: folder }))
  await step('the site', () =>
    must('vitepress build', process.execPath, [bin('vitepress', 'bin/vitepress.js'), 'build', folder], { cwd: folder }),
  )
}

await main(async () => {
  const [option] = process.argv.slice(2)
  if (option !== undefined && option !== '--preview') throw new Failure(`there is no option '${option}'; there is --preview`)
  await build()
  if (option === undefined) return
  const args = [bin('vitepress', 'bin/vitepress.js'), 'preview', folder]
  const [code] = await once(spawn(process.execPath, args, { cwd: folder, stdio: 'inherit' }), 'exit')
  process.exitCode = code ?? 1
})
