/** Every block of code in README.md and docs/ is run, or checked as far as it can be: pages.ts says how. */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { transformSync } from '@swc/core'
import test from 'ava'
import type { ExecutionContext } from 'ava'
import { binOf } from '../scripts/command.mjs'
import { runNode } from './child.ts'
import { blocksOf, notPrinted } from './pages.ts'
import type { Block } from './pages.ts'
import { redisOf } from './redis.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
/** In the package, so that its programs import it by name. */
const folder = join(root, '.build/pages')
const peers = join(root, 'benchmark/node_modules')
const read = (path: string): string => readFileSync(join(root, path), 'utf8')

const docs = readdirSync(join(root, 'docs')).filter((name) => name.endsWith('.md'))
const pages = ['README.md', ...docs.map((name) => `docs/${name}`)]
const blocks = pages.flatMap((page) => blocksOf(page, read(page)))
rmSync(folder, { recursive: true, force: true })

const PROGRAMS = ['js', 'mjs', 'ts']
const place = (block: Block): string => `${block.page}:${block.line}`

/** A program as every version of Node takes it: without types, and without `using`. */
function javascript(block: Block, code: string): string {
  if (block.language !== 'ts' && !/^\s*(await )?using \w+ =/m.test(code)) return code
  const stripped = transformSync(code, {
    jsc: { parser: { syntax: 'typescript' }, target: 'es2022', preserveAllComments: true },
    isModule: true,
  })
  return stripped.code.replace(/(['"])(\.{1,2}\/[^'"]*)\.ts\1/g, '$1$2.js$1')
}

/** What the pages name is a Redis of the tests' own. */
const redis = redisOf(test)
const REDIS = 'redis://localhost:6379'

function whole(block: Block): string {
  const code = [block.marks.get('before'), block.code, block.after].filter(Boolean).join('\n')
  return javascript(block, code.replaceAll(REDIS, redis().url))
}

/** Whether what it needs besides this package is here. */
function isRunnable({ marks }: Block): boolean {
  const needed = marks.get('needs')
  if (marks.has('not run')) return false
  if (needed === undefined) return true
  const [, version] = /^node (\d+)/.exec(needed) ?? []
  if (version !== undefined) return Number(process.versions.node.split('.')[0]) >= Number(version)
  return needed.split(/,\s*/).every((name) => existsSync(join(peers, name)))
}

const isOwn = (block: Block): boolean => block.marks.has('alone')
const isFile = (block: Block): boolean => block.marks.has('file')
const isProgram = (block: Block): boolean => PROGRAMS.includes(block.language) && !block.marks.has('run')

/** Runs each of the files in turn, and says what it printed, or threw. */
const RUNNER = `
const results = []
const write = process.stdout.write
for (const url of process.argv.slice(2)) {
  let printed = ''
  process.stdout.write = (text) => ((printed += text), true)
  let error
  try {
    await import(url)
  } catch (thrown) {
    error = thrown?.stack ?? String(thrown)
  }
  // What tasks print comes a moment later.
  await new Promise((resolve) => setTimeout(resolve, 5))
  results.push({ printed, error })
}
process.stdout.write = write
console.log('@@value ' + JSON.stringify(results))
process.exit()
`

interface Result {
  printed: string
  error?: string
}

function pageFolder(page: string): string {
  const own = join(folder, page.replaceAll(/\W/g, '-'))
  mkdirSync(own, { recursive: true })
  if (existsSync(peers)) symlinkSync(peers, join(own, 'node_modules'))
  return own
}

function judge(t: ExecutionContext, block: Block, { printed, error }: Result): void {
  t.is(error, undefined, place(block))
  const missing = notPrinted(block, printed)
  if (missing !== undefined) t.fail(`${place(block)} says that it prints ${missing}`)
}

async function runPage(t: ExecutionContext, page: string): Promise<void> {
  const own = pageFolder(page)
  const programs = blocks.filter((block) => block.page === page && isProgram(block))
  const runnable: { block: Block; path: string }[] = []
  const parsed: Block[] = []
  for (const block of programs) {
    const name = block.marks.get('file')?.replace(/\.ts$/, '.js') ?? `at-line-${block.line}.mjs`
    if (!isRunnable(block)) parsed.push(block)
    else {
      const path = join(own, name)
      mkdirSync(dirname(path), { recursive: true })
      writeFileSync(path, whole(block))
      if (!isFile(block)) runnable.push({ block, path })
    }
  }
  for (const block of parsed) {
    t.notThrows(() => transformSync(whole(block), { jsc: { parser: { syntax: 'typescript' } } }), place(block))
  }
  const together = runnable.filter(({ block }) => !isOwn(block))
  const runner = join(own, 'runner.mjs')
  writeFileSync(runner, RUNNER)
  const inOne = async (): Promise<void> => {
    if (together.length === 0) return
    const urls = together.map(({ path }) => pathToFileURL(path).href)
    const end = await runNode<Result[]>([runner, ...urls])
    t.is(end.errors, '', page)
    if (end.value === undefined) t.fail(`${page}: its programs ended the process: ${end.output}`)
    else end.value.forEach((result, index) => judge(t, together[index]!.block, result))
  }
  const apart = runnable
    .filter(({ block }) => isOwn(block))
    .map(async ({ block, path }) => {
      const given = block.marks.get('alone')
      const end = await runNode([path, ...(given ? given.split(' ') : [])])
      t.is(end.errors, '', place(block))
      t.is(end.code, 0, `${place(block)} printed ${end.output}`)
      judge(t, block, { printed: end.output })
    })
  await Promise.all([inOne(), ...apart])
  t.pass()
}

for (const page of pages) {
  if (blocks.some((block) => block.page === page && isProgram(block))) {
    test(`the programs of ${page} run, and print what it says`, runPage, page)
  }
}

test('what another test runs is run by it', (t) => {
  const tests = read('__test__/recipes.test.ts')
  for (const block of blocks) {
    const name = block.marks.get('run')
    if (name !== undefined) t.true(tests.includes(`'${name}'`), place(block))
  }
})

test('programs in TypeScript pass the compiler', async (t) => {
  const files = blocks
    .filter(({ language }) => language === 'ts')
    .map((block) => {
      const own = join(folder, 'types', block.page.replaceAll(/\W/g, '-'))
      mkdirSync(own, { recursive: true })
      const path = join(own, block.marks.get('file') ?? `at-line-${block.line}.ts`)
      const { before } = Object.fromEntries(block.marks)
      writeFileSync(path, [before, block.code, block.after, 'export {}'].filter(Boolean).join('\n'))
      return path
    })
  const options = ['--ignoreConfig', '--noEmit', '--strict', '--skipLibCheck', '--target', 'es2022', '--types', 'node']
  const modules = ['--module', 'nodenext', '--lib', 'es2024,esnext.disposable', '--allowImportingTsExtensions']
  const end = await runNode([binOf('typescript', 'tsc'), ...options, ...modules, ...files])
  t.is(end.output, '')
  t.is(end.code, 0)
})

const PYTHON = spawnSync('python3', ['--version']).status === 0

test('programs in Python print what they say', (t) => {
  for (const block of blocks.filter(({ language }) => language === 'python')) {
    if (!PYTHON) continue
    const { status, stdout, stderr } = spawnSync('python3', ['-c', block.code], { encoding: 'utf8' })
    t.is(status, 0, stderr)
    t.is(notPrinted(block, stdout), undefined, place(block))
  }
  t.pass()
})

test('commands are those that there are', (t) => {
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> }
  for (const block of blocks.filter(({ language }) => language === 'sh')) {
    for (const [, name] of block.code.matchAll(/^npm run ([\w:-]+)/gm)) t.true(Object.hasOwn(scripts, name!), place(block))
  }
})

test('other languages are those of files that are tested, or can be read', (t) => {
  const comments = read('crates/task/src/lib.rs').replace(/^\/\/! ?/gm, '')
  for (const block of blocks) {
    if (block.language === 'json') t.notThrows(() => JSON.parse(block.code), place(block))
    else if (block.language === 'rust') t.true(comments.includes(block.code.trim()), place(block))
    else t.true([...PROGRAMS, 'sh', 'text', 'toml', 'python', ''].includes(block.language), place(block))
  }
})

test('what a block says and does not print is found', (t) => {
  const [block, second] = blocksOf(
    'a.md',
    [
      ...['<!-- before: const a = 1 -->', '', '```js', 'console.log(a) // 1: one', 'console.log(2)'],
      ...['for (const b of [3, 4]) console.log(b) // 3, 4', '```', '<!-- after: done() -->', 'Text.'],
      ...['<!-- alone -->', '<!-- needs: b -->', '```js', '```'],
    ].join('\n'),
  ) as [Block, Block]
  t.deepEqual(
    [...second.marks],
    [
      ['alone', ''],
      ['needs', 'b'],
    ],
  )
  t.deepEqual([block.marks.get('before'), block.after, block.line], ['const a = 1', 'done()', 3])
  t.is(notPrinted(block, '1\n2\n3\n4\n'), undefined)
  t.regex(notPrinted(block, '1\n2\n3\n5\n')!, /^3, 4, but this/)
  t.regex(notPrinted(block, '3\n4\n1\n')!, /^3, 4/)
  const [output] = blocksOf('a.md', '```js\nf()\n```\n\n```text\n1\n```\n') as [Block]
  t.is(notPrinted(output, '1\n'), undefined)
  t.regex(notPrinted(output, '2\n')!, /^1\nbut this/)
})
