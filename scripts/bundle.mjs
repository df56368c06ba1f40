// dist/ from lib/: what of it is loaded when, and in which form.
//
// Each isolate that loads the package pays for every character: V8 goes once over all of a file's text before
// it runs any of it. So the code is minified, and ASCII only: one character above U+00FF makes V8 keep the
// whole text with two bytes a character. It is CommonJS, which a thread loads in one step, and Node's modules
// are asked of the process: an import of one builds a facade that reads all of its exports, and so loads what
// those load only when they are read. `dist/index.js` is the ES module that package.json names,
// `dist/index.cjs` what `require` finds. A worker loads half of it: its entry has what it has in common with
// the library, and `dist/worker/library.cjs`, which is loaded when a task imports the package, the rest.
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { root } from './command.mjs'
import { addonText, DECLARATIONS, entryText, factoryText, innerText, libraryText } from './entry.mjs'
import { COMMON, FOUND_COMMON, peerEntryText, peerRequireText, REQUIRE, requireText, workerText } from './entry.mjs'

const LIBRARY = '\0library'
const WORKER = '\0worker'
const ADDON = '\0addon'
const INNER = '\0inner'
const BUILTIN = '\0builtin:'
const ENTRY = "new URL('./worker/main.cjs', import.meta.url)"
const OWN_LIBRARY = "createRequire(import.meta.url)('./library.cjs')"
const OWN_PLACE = /\bimport\.meta\.((?:dir|file)name)\b/g
const CREATE_REQUIRE = "import { createRequire } from 'node:module'\n"
const IMPORT = /^import (\w+|\{[^}]*\}) from '(node:[\w/]+)'$/gm

/** Modules that are written here, by what they are called. */
const withTexts = (texts) => ({
  name: 'with-texts',
  resolveId: (id) => (Object.hasOwn(texts, id) ? id : undefined),
  load: (id) => texts[id],
})

/** Imports of Node's modules as questions to the process, and what stands for the addon. */
const ofTheProcess = (dist) => ({
  name: 'of-the-process',
  resolveId(id, importer) {
    if (id.startsWith(BUILTIN)) return id
    return id.endsWith('/index.js') && importer?.endsWith('binding.ts') ? ADDON : undefined
  },
  load(id) {
    if (id === ADDON) return addonText(dist)
    if (!id.startsWith(BUILTIN)) return undefined
    return `export default process.getBuiltinModule('${id.slice(BUILTIN.length)}')`
  },
  transform(code, id) {
    if (!id.endsWith('.ts')) return undefined
    const file = `process.getBuiltinModule('node:url').pathToFileURL(${dist} + '/worker/main.cjs')`
    const ours = code.replace(ENTRY, file).replace(OWN_LIBRARY, `${REQUIRE}(__dirname + '/library.cjs')`)
    return ours.replaceAll(OWN_PLACE, '__$1').replaceAll(IMPORT, (_, names, name) => {
      const whole = `whole_${name.replaceAll(/\W/g, '_')}`
      return `import ${whole} from '${BUILTIN}${name}'; const ${names.replaceAll(' as ', ': ')} = ${whole}`
    })
  },
})

/** The generated loader's paths are relative to the folder above. */
const ofTheRoot = {
  name: 'of-the-root',
  transform: (code) =>
    code.replaceAll('import.meta.url', "process.getBuiltinModule('node:url').pathToFileURL(__dirname + '/../index.js').href"),
}

/** What another entry takes from the main one, whose copy it is given; what it requires, as CommonJS does. */
const ofTheMainEntry = (names) => ({
  name: 'of-the-main-entry',
  resolveId: (id) => (id === INNER || id.endsWith('/inner.ts') ? INNER : undefined),
  load: (id) => (id === INNER ? innerText(names) : undefined),
  transform: (code) => code.replace(CREATE_REQUIRE, '').replaceAll('createRequire(import.meta.url)', 'require'),
})

/** With every other character as an escape, which means the same in strings, templates and expressions. */
function inAscii(code) {
  const escape = (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
  return code.replaceAll(/[^\0-\x7f]/g, escape)
}

/**
 * The minifier drops the `new` of built-in errors, which a program may have replaced by classes of its own:
 * those cannot be called.
 * It has no option for that, and without its compression the import costs 4 % more.
 */
function withNew(code) {
  return code.replaceAll(/(?<![\w$.'"`]|new |class |function )((?:Aggregate|Eval|Range|Reference|Syntax|Type|URI)?Error\()/g, 'new $1')
}

const TAKEN = /^import \{([^}]*)\} from "([^"]+)";$/m
const GIVEN = /^export \{([^}]*)\};\s*$/m
const CORE = 'core.cjs'

/**
 * The entry of the workers, and the library as they load it, from chunks that are ES modules. What one takes
 * of another it takes once, as constants: the getters of a bundler would be called for each use. What the
 * others have in common is a function of the entry, whose result the library finds by a symbol: also where a
 * task has emptied the cache of `require`.
 */
function ofWorkers(chunks) {
  const codeOf = (name) => chunks.find(({ fileName }) => fileName === name).code
  const pairs = (list, order) => list.replaceAll(/([\w$]+) as ([\w$]+)/g, order)
  const taking = (code, from) => code.replace(TAKEN, (_, list) => `const {${pairs(list, '$1: $2')}} = ${from};`)
  const giving = (code, how) => code.replace(GIVEN, (_, list) => `${how} { __proto__: null,${pairs(list, '$2: $1')}};\n`)
  const core = `const ${COMMON} = (function () {\n${giving(codeOf(CORE), 'return')}})();\n`
  const main = taking(codeOf('worker/main.cjs').replace(GIVEN, ''), COMMON)
  const library = taking(giving(codeOf('worker/library.cjs'), 'module.exports ='), FOUND_COMMON)
  const files = { 'worker/main.cjs': `${core}${main}module.exports = ${COMMON};\n`, 'worker/library.cjs': library }
  return Object.entries(files).map(([fileName, code]) => {
    if (/^(?:im|ex)port\b/m.test(code)) throw new Error(`${fileName} is no CommonJS`)
    return { fileName, code: `"use strict";\n${code}` }
  })
}

/** Throws if what a chunk gives to others changes later, in code whose names are those of the source. */
function refuseChanging({ fileName, code, exports }) {
  const changing = exports.filter((name) => new RegExp(String.raw`^let ${name}\b`, 'm').test(code))
  if (changing.length > 0) throw new Error(`what others take from ${fileName} changes: ${changing.join(', ')}`)
}

async function write(input, plugins, options) {
  const { rolldown } = await import('rolldown')
  const bundle = await rolldown({ cwd: root, input, platform: 'node', plugins })
  const { output } = await bundle.generate({
    dir: 'dist',
    format: 'cjs',
    strict: true,
    // What is written for others than us defines properties by descriptors that programs can spoil.
    esModule: false,
    generatedCode: { symbols: false },
    entryFileNames: '[name].cjs',
    comments: false,
    ...options,
  })
  await bundle.close()
  return output
}

/**
 * The commands and what they run in workers: ES modules that import the package as programs do, when they
 * need it, so that its own code does not grow.
 */
async function writeCommands() {
  const written = []
  for (const name of ['main', 'task']) {
    const options = { format: 'esm', esModule: undefined, entryFileNames: '[name].js' }
    written.push(...(await write({ [`cli/${name}`]: `lib/cli/${name}.ts` }, [], options)))
  }
  return written
}

/** What is shared between all entries: the names of index.ts, and those of inner.ts. */
async function readNames() {
  const one = async (name) => (await write({ [name]: `lib/${name}.ts` }, [ofTheProcess('__dirname')], {}))[0].exports
  return { names: await one('index'), inner: await one('inner') }
}

/** Writes the code of dist/; answers the names of the files there. */
export async function bundle() {
  const minify = { mangle: { keepNames: true }, compress: true, codegen: { removeWhitespace: false } }
  const { names, inner } = await readNames()
  const texts = withTexts({ [LIBRARY]: libraryText(names, inner), [WORKER]: workerText })
  const ofAWorker = [texts, ofTheProcess("__dirname + '/..'")]
  const both = { 'worker/library': LIBRARY, 'worker/main': WORKER }
  const split = { format: 'esm', chunkFileNames: CORE }
  const plain = await write(both, ofAWorker, { ...split, minifyInternalExports: false })
  refuseChanging(plain.find(({ fileName }) => fileName === CORE))
  const distributed = [ofTheMainEntry(inner), ofTheProcess('__dirname')]
  const [factory] = await write({ distributed: 'lib/distributed/index.ts' }, distributed, { minify })
  const chunks = [
    ...(await write({ library: LIBRARY }, [texts, ofTheProcess('__dirname')], { minify })),
    ...ofWorkers(await write(both, ofAWorker, { minify, ...split })),
    ...(await write({ 'worker/quiet': 'lib/worker/quiet.ts' }, [ofTheProcess('__dirname')], { minify })),
    ...(await write({ loader: 'index.js' }, [ofTheRoot], {})),
    ...(await writeCommands()),
    { ...factory, code: factoryText(factory.code) },
  ]
  const files = new Map(chunks.map(({ fileName, code }) => [fileName, inAscii(withNew(code.replaceAll(REQUIRE, 'require')))]))
  files.set('index.js', entryText(names))
  files.set('index.cjs', requireText(names))
  files.set('bullmq.js', peerEntryText(factory.exports))
  files.set('bullmq.cjs', peerRequireText(factory.exports))
  for (const [name, text] of DECLARATIONS) files.set(name, text)
  for (const [name, code] of files) {
    const path = join(root, 'dist', name)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, code)
  }
  return new Set([...files.keys()].map((name) => normalize(name)))
}
