// Whether a node.exe exports every function of C++ that the binding looks up by Microsoft's names.
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../command.mjs'

const SOURCES = join(root, 'crates/binding/src')
/** Named here are those that a line of Node.js lacks on every system. */
const MISSING = { 20: ['?SetContinuationPreservedEmbedderData@Isolate@v8@@QEAAXV?$Local@VValue@v8@@@2@@Z'] }

/** The names in the sources; a long one goes on in the next line. */
export function namesInSources() {
  const files = readdirSync(SOURCES, { recursive: true }).filter((file) => file.endsWith('.rs'))
  const texts = files.map((file) => readFileSync(join(SOURCES, file), 'utf8').replaceAll(/\\\n\s*/g, ''))
  return [...new Set(texts.flatMap((text) => [...text.matchAll(/c"(\?[^"]+)"/g)].map(([, name]) => name)))]
}

/**
 * Those that a program lacks. Exported names stand in it as texts that end with a zero, one behind the
 * other.
 */
export function missingIn(program, version) {
  const bytes = readFileSync(program)
  const expected = MISSING[version.split('.')[0]] ?? []
  return namesInSources().filter((name) => !expected.includes(name) && !bytes.includes(`\0${name}\0`))
}
