/** What the pages name is there: files and folders in code, files and headings behind links. */
import { readdirSync, readFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path/posix'
import { fileURLToPath } from 'node:url'
import test from 'ava'

const root = fileURLToPath(new URL('..', import.meta.url))

/** How names begin that are not the repository's: what is made on the way, and what is the user's own. */
const NOT_OURS = ['docs/.vitepress/dist/', 'dist/', 'artifacts/', 'node_modules/', 'target/', '.build/', './', '../', 'src/']
const SKIPPED = ['.git', 'node_modules', 'dist', 'artifacts', 'target', '.build']
const EXTENSION = /\.(rs|ts|mjs|cjs|js|c|h|md|json|toml|yml|svg)$/

interface Tree {
  files: ReadonlySet<string>
  /** Without a slash at the end. */
  folders: ReadonlySet<string>
  read(page: string): string
}

function treeOf(folder: string): Tree {
  const [files, folders] = [new Set<string>(), new Set<string>(['.'])]
  const walk = (at: string): void => {
    for (const entry of readdirSync(join(folder, at), { withFileTypes: true })) {
      if (SKIPPED.includes(entry.name)) continue
      const path = join(at, entry.name)
      if (!entry.isDirectory()) files.add(path)
      else {
        folders.add(path)
        walk(path)
      }
    }
  }
  walk('.')
  return { files, folders, read: (page) => readFileSync(join(folder, page), 'utf8') }
}

function withoutFences(text: string): string {
  return text.replace(/^```[^]*?^```$/gm, '')
}

/** As GitHub makes them: of the letters, digits and hyphens of a heading. */
function anchors(text: string): Set<string> {
  const found = new Set<string>()
  for (const [, heading] of withoutFences(text).matchAll(/^#+ +(.*)$/gm)) {
    const kept = (heading as string).toLowerCase().replace(/[^\p{L}\p{N}\- _]/gu, '')
    found.add(kept.trim().replaceAll(' ', '-'))
  }
  return found
}

/** Whether a path of the repository is `name`, which may hold `*`, or ends with it. */
function isThere(name: string, paths: ReadonlySet<string>, maySkipFolders: boolean): boolean {
  const escaped = name.replace(/[.+]/g, '\\$&').replaceAll('*', '[^/]*')
  const pattern = new RegExp(`${maySkipFolders ? '(^|/)' : '^'}${escaped}$`)
  return paths.has(name) || [...paths].some((path) => pattern.test(path))
}

/** What the page's links and code name and is not there. `page` is its own path. */
function lost(page: string, text: string, tree: Tree): string[] {
  const prose = withoutFences(text)
  const links = prose.matchAll(/\]\(([^()\s]+)\)|^\[[^\]]+\]: *(\S+)/gm)
  const targets = [...links].map(([, inline, below]) => inline ?? below)
  const words = [...prose.matchAll(/`([^`\n]+)`/g)].flatMap(([, code]) => (code as string).split(/\s+/))
  return [
    ...(targets as string[]).filter((target) => !leadsSomewhere(target, page, text, tree)),
    ...words.filter((word) => !isFine(word.replace(/:\d+$/, ''), page, tree)),
  ]
}

/** Whether a link leads out of the repository, or to a file, folder or heading of it. */
function leadsSomewhere(target: string, page: string, text: string, tree: Tree): boolean {
  if (/^[a-z]+:/.test(target)) return true
  const [path, anchor] = target.split('#') as [string, string?]
  const full = path === '' ? page : join(dirname(page), path).replace(/\/$/, '')
  if (!tree.files.has(full)) return tree.folders.has(full)
  return anchor === undefined || anchors(full === page ? text : tree.read(full)).has(anchor)
}

/** Whether a word in code is no path of the repository's, or one that exists. */
function isFine(word: string, page: string, tree: Tree): boolean {
  if (!/^[\w.@*-]+(\/[\w.@*-]+)*\/?$/.test(word)) return true
  if (NOT_OURS.some((start) => word.startsWith(start))) return true
  const isFolder = word.endsWith('/')
  const name = isFolder ? word.slice(0, -1) : word
  const isOfRoot = name.includes('/') && tree.folders.has(name.split('/')[0] as string)
  if (!isFolder && !isOfRoot && !EXTENSION.test(name)) return true
  const paths = isFolder ? tree.folders : new Set([...tree.files, ...tree.folders])
  return isThere(name, paths, !isOfRoot) || isThere(join(dirname(page), name), paths, false)
}

const tree = treeOf(root)
const PAGES = /^(docs\/[^/]+|benchmark\/README|README|CHANGELOG|CONTRIBUTING|SECURITY)\.md$/
const pages = [...tree.files].filter((path) => PAGES.test(path))

for (const page of pages) {
  test(`what ${page} names is there`, (t) => {
    t.deepEqual(lost(page, tree.read(page), tree), [])
  })
}

test('docs/examples.md names every example', (t) => {
  const page = tree.read('docs/examples.md')
  const programs = [...tree.folders].filter((path) => /^examples\/(apps\/[^/]+|plugin-[^/]+)$/.test(path))
  const files = [...tree.files].filter((path) => /^examples\/[^/]+\.mjs$/.test(path) && !path.endsWith('-tasks.mjs'))
  t.true(programs.length > 2 && files.length > 2)
  t.deepEqual(
    [...programs, ...files].filter((path) => !new RegExp(`\\b${basename(path)}\\b`).test(page)),
    [],
  )
})

test('a name that leads nowhere is found, in links, in code, and as a heading', (t) => {
  const planted: Tree = {
    files: new Set([
      ...['README.md', 'docs/queue.md', 'docs/values.md', 'crates/pool/tests/loom.rs', 'lib/worker/main.ts'],
      'npm/one/package.json',
    ]),
    folders: new Set(['.', 'docs', 'crates', 'crates/pool', 'crates/pool/tests', 'lib', 'lib/worker', 'npm', 'npm/one']),
    read: () => '# Values\n\n```\n# no heading\n```\n\n## How `values` travel, and why\n',
  }
  const of = (text: string): string[] => lost('docs/queue.md', text, planted)
  // Links.
  t.deepEqual(of('[a](values.md) [b](../crates/pool/tests/loom.rs) [c](../lib/) [d](https://nodejs.org)'), [])
  t.deepEqual(of('[a](value.md) [b](../lib/main.ts)\n\n[c]: ../crates/pools'), ['value.md', '../lib/main.ts', '../crates/pools'])
  t.deepEqual(of('[a](#here) [b](#there) [c](values.md#how-values-travel-and-why) [d](values.md#no-heading)\n# Here'), [
    '#there',
    'values.md#no-heading',
  ])
  // Code.
  t.deepEqual(of('`crates/pool/tests/loom.rs` `loom.rs` `tests/loom.rs:12` `lib/worker/` `npm/*/package.json`'), [])
  t.deepEqual(of('`crates/pool/loom.rs` `looms.rs` `worker/mains.ts` `lib/workers/` `lib/worker/mine`'), [
    'crates/pool/loom.rs',
    'looms.rs',
    'worker/mains.ts',
    'lib/workers/',
    'lib/worker/mine',
  ])
  t.deepEqual(of('`node lib/worker/main.ts` `node lib/main.ts`'), ['lib/main.ts'])
  t.deepEqual(of('`dist/index.js` `./work.js` `a/b` `node:internal/modules/` `future.result()`\n```\n`gone.ts`\n```'), [])
})
