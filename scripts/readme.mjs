// The example in README.md and what it prints: the first block of JavaScript, and the block of text that
// follows it.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './command.mjs'

function block(language, after) {
  const text = readFileSync(join(root, 'README.md'), 'utf8')
  const fence = text.indexOf(`\`\`\`${language}\n`, after === undefined ? 0 : text.indexOf(after))
  const start = text.indexOf('\n', fence) + 1
  return text.slice(start, text.indexOf('```', start))
}

export const readmeExample = () => block('js')

export const readmeOutput = () => block('text', readmeExample())
