/** What the house rules say of lines and files, where a machine can see it. */
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path/posix'
import { fileURLToPath } from 'node:url'
import test from 'ava'

const root = fileURLToPath(new URL('..', import.meta.url))

const WIDTH = 110
/** A line that holds a piece of so many characters without a space cannot be broken. */
const UNBREAKABLE = 60
const LENGTH = 350
/** One class with private fields; and what the build writes. */
const MAY_BE_LONG = ['lib/future/future.ts', 'lib/addon/seam.ts']

const SKIPPED = ['node_modules', 'target', 'results']

function* sources(folder: string): Generator<string> {
  for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) {
      if (!SKIPPED.includes(entry.name)) yield* sources(path)
    } else if (/\.(ts|rs|mjs)$/.test(entry.name)) yield path
  }
}

const COMMENT = /^\s*(\/\/|\/\*|\*)/

function tooWide(text: string, of: RegExp): number[] {
  return text.split('\n').flatMap((line, index) => {
    const longest = Math.max(
      ...line
        .trim()
        .split(/\s+/)
        .map((piece) => piece.length),
    )
    return [...line].length > WIDTH && longest < UNBREAKABLE && of.test(line) ? [index + 1] : []
  })
}

function widerThanAllowed(folders: readonly string[], of: RegExp): string[] {
  return folders.flatMap((folder) =>
    [...sources(folder)].flatMap((path) => {
      const text = readFileSync(join(root, path), 'utf8')
      return tooWide(text, of).map((line) => `${path}:${line}`)
    }),
  )
}

test(`no line of what is shipped is wider than ${WIDTH} columns`, (t) => {
  t.deepEqual(widerThanAllowed(['lib', 'crates'], /./), [])
})

test('no comment is wider than the code', (t) => {
  t.deepEqual(widerThanAllowed(['__test__', 'scripts', 'benchmark', 'examples'], COMMENT), [])
})

test(`no file of lib/ and of the crates' src/ has more than ${LENGTH} lines, but for those that are named`, (t) => {
  const all = [...sources('lib'), ...sources('crates')].filter((path) => !/\/(tests|examples)\//.test(path))
  const long = all.filter((path) => readFileSync(join(root, path), 'utf8').trimEnd().split('\n').length > LENGTH)
  t.deepEqual(long.sort(), [...MAY_BE_LONG].sort())
})

test('a line that is too wide is found, and one that cannot be broken is not', (t) => {
  const text = `short\n${'word '.repeat(30)}\n${'x'.repeat(200)}\n// ${'word '.repeat(30)}`
  t.deepEqual([tooWide(text, /./), tooWide(text, COMMENT)], [[2, 4], [4]])
})

test('no character of dist/ makes V8 keep a whole file with two bytes for each', (t) => {
  const files = readdirSync(join(root, 'dist'), { recursive: true, encoding: 'utf8' })
  const code = files.filter((name) => /\.c?js$/.test(name))
  t.true(code.length >= 4, code.join())
  const wide = code.filter((name) => /[^\0-\x7f]/.test(readFileSync(join(root, 'dist', name), 'utf8')))
  t.deepEqual(wide, [])
})
