/** What the site is made of besides the pages: their order, llms.txt, links out of docs/, its packages. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import test from 'ava'
import { repositoryLinks, slugify } from '../docs/.vitepress/links.mjs'
import { llms, llmsFull } from '../docs/.vitepress/llms.mjs'
import { groups } from '../docs/.vitepress/pages.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))

interface Group {
  group: string
  pages: { name: string; title: string }[]
}

test('every page is on the site once, and has a title', (t) => {
  const pages = (groups() as Group[]).flatMap((group) => group.pages)
  const files = readdirSync(join(root, 'docs')).filter((name) => name.endsWith('.md') && name !== 'README.md')
  t.deepEqual(pages.map(({ name }) => `${name}.md`).sort(), files.sort())
  t.deepEqual(
    pages.filter(({ title }) => title === ''),
    [],
  )
})

test('llms.txt has a line for every page, and llms-full.txt has the pages for users', (t) => {
  const index = llms() as string
  for (const { pages } of groups() as Group[]) {
    for (const { name, title } of pages) {
      t.is(index.split(`](${name}.md)`).length, 2, name)
      t.regex(index, new RegExp(`\\[[^\\]]+\\]\\(${name}\\.md\\): .+`), `no index of docs/ says what ${title} is about`)
    }
  }
  const full = llmsFull() as string
  t.true(full.includes('# Getting started') && full.includes('# Errors, by code'))
  t.false(full.includes('<!--') || full.includes('# Architecture'))
})

interface Token {
  type: string
  tag: string
  attrs: [string, string][]
}

/** The tokens of markdown-it for one link on docs/a.md, as the plug-in leaves them. */
function linked(href: string, address?: string): Token[] {
  const open = {
    ...{ type: 'link_open', tag: 'a', attrs: [['href', href]] as [string, string][] },
    attrGet: () => open.attrs[0]![1],
    attrSet: (_: string, value: string) => void (open.attrs[0]![1] = value),
  }
  const children = [open, { type: 'link_close', tag: 'a', attrs: [] }]
  type Rule = (state: { tokens: { children: Token[] }[]; env: { relativePath: string } }) => void
  const ruler = { push: (_: string, rule: Rule) => rule({ tokens: [{ children }], env: { relativePath: 'a.md' } }) }
  repositoryLinks({ core: { ruler } }, address)
  return children
}

test('a link out of docs/ leads into the repository, or is text where nobody knows where that is', (t) => {
  const tags = (tokens: Token[]): string[] => tokens.map(({ type, tag }) => `${type} ${tag}`)
  const there = linked('../lib/index.ts', 'https://example.org/a/b')
  t.deepEqual(there[0]!.attrs, [['href', 'https://example.org/a/b/blob/main/lib/index.ts']])
  const text = linked('../lib/index.ts')
  t.deepEqual(tags(text), ['span_open span', 'span_close span'])
  t.deepEqual(text[0]!.attrs, [
    ['class', 'in-repository'],
    ['title', 'lib/index.ts'],
  ])
  t.deepEqual(tags(linked('queue.md')), ['link_open a', 'link_close a'])
  t.is(slugify('How `values` travel, and why'), 'how-values-travel-and-why')
})

test("the site's lock file names no hosts", (t) => {
  t.notRegex(readFileSync(join(root, 'docs/package-lock.json'), 'utf8'), /"resolved": *"[a-z+]*:\/\//)
})

test('every option that the code knows is in the tables', (t) => {
  const tables = readFileSync(join(root, 'docs/options.md'), 'utf8')
  const folder = join(root, 'lib/options')
  const names = readdirSync(folder).flatMap((file) => {
    const code = readFileSync(join(folder, file), 'utf8')
    const lists = code.matchAll(/(?:NAMES|CheckOptions<\w+>\(options, 'options',) ?=? ?\[([^\]]*)\]/g)
    return [...lists].flatMap(([, list]) => [...(list as string).matchAll(/'(\w+)'/g)].map(([, name]) => name as string))
  })
  t.true(names.length > 20, names.join())
  t.deepEqual(
    names.filter((name) => !tables.includes(`\`${name}\``)),
    [],
  )
})
