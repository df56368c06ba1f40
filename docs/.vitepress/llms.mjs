// llms.txt and llms-full.txt: what a model is given to read, made of the pages. https://llmstxt.org says how.
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { descriptions, folder, groups } from './pages.mjs'

const ABOUT = `# concurrent-futures

> Python's concurrent.futures for Node.js, on a Rust core: futures with time-outs, worker threads that survive a stopped task, child processes, and native tasks on one queue.

Python's names in camelCase, milliseconds instead of seconds, and promises: \`await executor.submit(fn, ...args)\`. Functions run in another isolate: they see their arguments only. Tasks with imports live in a module of their own and are named by \`moduleTasks(new URL('./work.js', import.meta.url))\`.
`

/** The index: a line for each page. */
export function llms(all = groups()) {
  const about = descriptions()
  const sections = all.map(({ group, pages }) => {
    const lines = pages.map(({ name, title }) => `- [${title}](${name}.md)${about.has(name) ? `: ${about.get(name)}` : ''}`)
    return `## ${group === 'How it works' ? 'Optional' : group}\n\n${lines.join('\n')}\n`
  })
  return [ABOUT, ...sections].join('\n')
}

/** All pages for users in one text; those of how it works are left out. */
export function llmsFull(all = groups()) {
  const texts = all.filter(({ group }) => group !== 'How it works').flatMap(({ pages }) => pages.map(({ text }) => text))
  return [ABOUT, ...texts.map((text) => text.replace(/<!--[^]*?-->\n*/g, ''))].join('\n\n')
}

/** Writes both beside the site, and the pages that the index names. */
export function writeLlms(out) {
  mkdirSync(out, { recursive: true })
  writeFileSync(join(out, 'llms.txt'), llms())
  writeFileSync(join(out, 'llms-full.txt'), llmsFull())
  for (const { pages } of groups()) {
    for (const { name } of pages) copyFileSync(join(folder, `${name}.md`), join(out, `${name}.md`))
  }
}
