// node scripts/layers.mjs: whether lib/ keeps the rules of .dependency-cruiser.mjs, and whether each of the
// rules would notice.
//
// The second is seen in a copy of lib/ with an import for each rule that the rule forbids: a rule that lets
// its import pass has failed.
import { appendFileSync, cpSync, mkdirSync, mkdtempSync } from 'node:fs'
import { readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, posix } from 'node:path'
import { pathToFileURL } from 'node:url'
import { main, root } from './command.mjs'

/** `import('./file.ts')` as a type, which the parser does not take for an import. */
const INLINE = /\bimport\(\s*['"]\./
const PEER = 'lib/distributed/peer.ts'
const COMMENT = /\/\*[\s\S]*?\*\//g
const INLINE_RULE = 'no-inline-imports'

/** An import, or an export of what is imported, that is not one of types; what it imports is the group. */
const OF_VALUES = /^(?:import|export)\b(?!\s+type\b)(?:[^'";=(]*\bfrom)?\s*'([^']+)'/gm

/** What breaks the rules in the lib/ of a folder: for each, the rule and the two files. */
async function violationsIn(folder, sets, onlyTypes) {
  const { cruise } = await import('dependency-cruiser')
  const found = []
  for (const { forbidden, options } of sets) {
    const all = { ...options, baseDir: folder, validate: true, ruleSet: { forbidden } }
    const { output } = await cruise(['lib'], all)
    for (const { rule, from, to } of output.summary.violations) found.push({ rule: rule.name, from, to })
  }
  for (const file of sourcesOf(folder)) {
    const text = readFileSync(join(folder, file), 'utf8').replaceAll(COMMENT, '')
    if (INLINE.test(text)) found.push({ rule: INLINE_RULE, from: file, to: 'an import() of a file of lib/' })
    for (const [, specifier] of text.matchAll(OF_VALUES)) {
      const to = specifier.startsWith('.') ? posix.join(posix.dirname(file), specifier) : specifier
      for (const rule of onlyTypes) if (forbids(rule, file, to)) found.push({ rule: rule.name, from: file, to })
    }
  }
  return found
}

function forbids({ from, to }, file, imported) {
  if (!new RegExp(from.path).test(file) || !new RegExp(to.path).test(imported)) return false
  return to.pathNot === undefined || !new RegExp(to.pathNot).test(imported)
}

function sourcesOf(folder) {
  return readdirSync(join(folder, 'lib'), { recursive: true })
    .map((name) => posix.join('lib', name.replaceAll('\\', '/')))
    .filter((name) => name.endsWith('.ts'))
    .sort()
}

/**
 * An import for each rule that it forbids: the text that goes at the end of `from`, and the file that it
 * imports.
 */
function plantsFor(layers) {
  const files = sourcesOf(root)
  const oneOf = (layer) => {
    if (layer.endsWith('.ts')) return `lib/${layer}`
    return files.find((name) => name.startsWith(`lib/${layer}/`))
  }
  const plants = layers.slice(1).map((layer, index) => {
    // By turns the import of a value and of a type, from the nearest layer above and from the top.
    const to = oneOf(layers[index % 2 === 0 ? index : 0])
    return { rule: `${layer}-imports-downwards`, from: oneOf(layer), to, isType: index % 2 === 0 }
  })
  const folderOf = (file) => (posix.dirname(file) === 'lib' ? file : posix.dirname(file))
  const lowest = oneOf(layers.at(-1))
  const above = oneOf(layers.at(-2))
  const stray = 'lib/elsewhere/stray.ts'
  return [
    ...plants,
    { rule: 'every-file-has-a-layer', from: above, to: stray },
    { rule: 'no-layer-no-imports', from: stray, to: lowest },
    { rule: 'no-circle-of-files', from: 'lib/addon/seam.ts', to: 'lib/addon/binding.ts', isType: true },
    { rule: 'binding-only-in-addon', from: above, to: 'index.js' },
    { rule: 'imports-resolve', from: above, to: './nowhere.ts' },
    { rule: 'no-packages', from: above, to: 'ava' },
    { rule: 'no-packages', from: oneOf('distributed'), to: 'bullmq', isType: true },
    { rule: 'peer-knows-bullmq', from: PEER, to: 'ava' },
    { rule: 'types-of-bullmq', from: PEER, to: 'bullmq' },
    { rule: 'values-by-inner', from: oneOf('distributed'), to: oneOf('executor') },
    { rule: 'commands-load-entries', from: oneOf('cli'), to: oneOf('distributed') },
    // The import that was planted for the lowest layer's own rule: all that stands above leads back to it.
    { rule: 'no-circle-of-folders', from: posix.dirname(lowest), to: folderOf(plants.at(-1).to) },
    { rule: INLINE_RULE, from: lowest, text: `export type Planted = typeof import('./binding.ts')` },
  ]
}

function textOf({ from, to, text, isType = false }) {
  if (text !== undefined) return text
  const isInside = to.startsWith('lib/') || to === 'index.js'
  const path = isInside ? posix.relative(posix.dirname(from), to) : to
  const specifier = isInside && !path.startsWith('.') ? `./${path}` : path
  return isType ? `import type {} from '${specifier}'` : `import '${specifier}'`
}

/** The rules that let pass what they forbid. */
async function blindRules(plants, sets, onlyTypes) {
  const copy = mkdtempSync(join(tmpdir(), 'layers-'))
  try {
    cpSync(join(root, 'lib'), join(copy, 'lib'), { recursive: true })
    writeFileSync(join(copy, 'index.js'), '')
    for (const plant of plants) {
      if (!plant.from.endsWith('.ts')) continue
      const file = join(copy, plant.from)
      mkdirSync(dirname(file), { recursive: true })
      appendFileSync(file, `${textOf(plant)}\n`)
    }
    const found = await violationsIn(copy, sets, onlyTypes)
    return plants.filter((plant) => !found.some((one) => isOf(one, plant))).map(({ rule }) => rule)
  } finally {
    rmSync(copy, { recursive: true })
  }
}

/** A circle is reported from one of its files. */
function isOf({ rule, from, to }, plant) {
  if (rule !== plant.rule) return false
  if (rule === 'no-circle-of-files') return from === plant.from || from === plant.to
  return from === plant.from && (plant.text !== undefined || to === plant.to)
}

/** Counts the rules that lib/ keeps, and those that would notice if it did not. */
export async function checkLayers() {
  const config = pathToFileURL(join(root, '.dependency-cruiser.mjs')).href
  const { default: files, folders, LAYERS, onlyTypes } = await import(config)
  const sets = [files, folders]
  const all = [...sets.map(({ forbidden }) => forbidden), onlyTypes].flat()
  const rules = [...all.map(({ name }) => name), INLINE_RULE]
  const found = await violationsIn(root, sets, onlyTypes)
  const plants = plantsFor(LAYERS)
  const blind = await blindRules(plants, sets, onlyTypes)
  const unchecked = rules.filter((name) => !plants.some(({ rule }) => rule === name))
  const broken = new Set(found.map(({ rule }) => rule))
  const details = [
    ...found.map(({ rule, from, to }) => `${rule}: ${from} imports ${to}`),
    ...blind.map((name) => `${name} does not see the import that was planted for it`),
    ...unchecked.map((name) => `${name}: nothing is planted for it (scripts/layers.mjs)`),
  ]
  const failed = broken.size + blind.length + unchecked.length
  const passed = rules.length + plants.length - broken.size - blind.length
  return { passed, failed, details: details.join('\n') }
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  await main(async () => {
    const { passed, failed, details } = await checkLayers()
    if (details !== '') console.log(details)
    console.log(`${passed} passed, ${failed} failed`)
    if (failed > 0) process.exitCode = 1
  })
}
