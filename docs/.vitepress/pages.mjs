// The pages of the site in their order. A page that is not listed is one of how it works; one that does not
// exist yet is left out.
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const folder = dirname(dirname(fileURLToPath(import.meta.url)))

const GROUPS = {
  Start: ['getting-started', 'install', 'examples', 'coming-from', 'comparison', 'faq'],
  Work: ['submitting', 'options', 'cancelling', 'errors', 'passing-values', 'nested-work', 'streams', 'share', 'affinity'],
  'Kinds of workers': ['native-tasks', 'plugins', 'isolation', 'workers', 'distributed'],
  'In use': ['production', 'observability', 'tuning', 'performance', 'limits', 'testing', 'cli'],
  Promises: ['promises', 'stability'],
}
const FIRST_INSIDE = ['how-it-works', 'architecture']

const read = (name) => readFileSync(join(folder, `${name}.md`), 'utf8')

/** The first heading, without what marks code in it. */
export const titleOf = (text) => (/^# (.+)$/m.exec(text)?.[1] ?? '').replaceAll('`', '')

/** What the two indexes say that each page is about, as plain text. */
export function descriptions() {
  const found = new Map([['getting-started', 'from the install to a task that is stopped']])
  for (const index of ['how-it-works', 'README']) {
    for (const [, first, second] of read(index).matchAll(/^\| (.+?) \| (.+?) \|$/gm)) {
      const [links, about] = first.startsWith('[') ? [first, second] : [second, first]
      for (const [, name] of links.matchAll(/\]\(([\w-]+)\.md\)/g)) if (!found.has(name)) found.set(name, about)
    }
  }
  return found
}

/** @returns {{ group: string, pages: { name: string, title: string, text: string }[] }[]} */
export function groups() {
  const there = readdirSync(folder).filter((name) => name.endsWith('.md') && name !== 'README.md')
  const rest = new Set(there.map((name) => name.slice(0, -3)))
  const take = (names) => names.filter((name) => rest.delete(name))
  const chosen = Object.entries(GROUPS).map(([group, names]) => [group, take(names)])
  chosen.push(['How it works', [...take(FIRST_INSIDE), ...[...rest].sort()]])
  return chosen.map(([group, names]) => ({
    group,
    pages: names.map((name) => {
      const text = read(name)
      return { name, title: titleOf(text), text }
    }),
  }))
}
