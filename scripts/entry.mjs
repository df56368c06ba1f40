// What of dist/ is not made from lib/: the modules that programs import and require, and how the addon is
// found.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './command.mjs'

const { napi } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))

/** `require`, where a bundler would take it for its own. */
export const REQUIRE = 'requireOfNode'

/**
 * The module that stands for the addon in dist/. The file of this platform lies where npm and its like, or
 * the build, have put it; the generated loader looks everywhere, and says what is wrong.
 *
 * @param dist - an expression for the path of dist/
 */
export const addonText = (dist) => `
const isAsked = ['NAPI_RS_NATIVE_LIBRARY_PATH', 'NAPI_RS_FORCE_WASI', 'NAPI_RS_ENFORCE_VERSION_CHECK']
function ofThisPlatform() {
  const { arch, env, platform } = process
  if (isAsked.some((name) => env[name] !== undefined)) return undefined
  for (const abi of { linux: ['-gnu', '-musl'], win32: ['-msvc'] }[platform] ?? ['']) {
    const name = platform + '-' + arch + abi
    for (const folder of ['..', '../../${napi.packageName}-' + name]) {
      const file = ${dist} + '/' + folder + '/${napi.binaryName}.' + name + '.node'
      if (process.getBuiltinModule('node:fs').existsSync(file)) {
        try {
          return ${REQUIRE}(file)
        } catch {
          // Of the other C library, where both are installed; what else is wrong the generated loader says.
        }
      }
    }
  }
}
export const { connect, seam } = ofThisPlatform() ?? ${REQUIRE}(${dist} + '/loader.cjs')
`

/** What the other entries of the package take from a copy of it; those that came later find it there. */
const INNER = "Symbol.for('concurrent-futures.inner')"

/** Hangs that on a class of the copy, where no program comes across it. */
const hanging = (inner) => `
import { Executor as innerOf } from './lib/executor/executor.ts'
import { define as hang } from './lib/host/define.ts'
import { ${inner.map((name) => `${name} as inner_${name}`).join(', ')} } from './lib/inner.ts'
hang(innerOf, ${INNER}, {
  value: { __proto__: null, ${inner.map((name) => `${name}: inner_${name}`).join(', ')} },
})
`

/** The entry of library.cjs. */
export const libraryText = (names, inner) => `${hanging(inner)}
export { ${names.join(', ')} } from './lib/index.ts'
`

/** What a worker has in common with its library, as its entry calls it. */
export const COMMON = 'common'

/** The same, where the library looks for it: on the global object, if that can have it. */
export const FOUND_COMMON = "globalThis[Symbol.for('concurrent-futures.core:' + __dirname)] ?? require('./main.cjs')"

/** The entry of the workers. Where nothing can be added to the global object, the library asks it by name. */
export const workerText = `
import { sharedByCopies } from './lib/host/copies.ts'
import './lib/worker/main.ts'
sharedByCopies('core:' + __dirname, () => ${COMMON})
`

/** What stands for lib/inner.ts in the code of another entry, which is in the function of factoryText. */
export const innerText = (names) => names.map((name) => `export const ${name} = inner.${name}\n`).join('')

/**
 * dist/distributed.cjs: a function that makes the classes of that entry, once for each copy of the main one.
 * Nothing of it has run, and no package is loaded, before the first call.
 */
export const factoryText = (code) => `'use strict'
const made = new WeakMap()
module.exports = (inner) => {
  const found = made.get(inner)
  if (found !== undefined) return found
  const exports = { __proto__: null }
  make(inner, exports)
  made.set(inner, exports)
  return exports
}
function make(inner, exports) {
${code}
}
`

const LEFT_OUT = 'mark it as external (esbuild: --external:concurrent-futures), its workers run files of its own'

const BUNDLED = 'a bundler has put the code of concurrent-futures elsewhere: ' + LEFT_OUT

/**
 * dist/index.cjs. Its `require` may be a test runner's, which runs the code in a vm context and so makes the
 * classes the context's own. A bundler has the code in its bundle, but not the files of the workers.
 */
export const requireText = (names) => `// The CommonJS module of concurrent-futures; its code is library.cjs.
'use strict'
const { existsSync } = process.getBuiltinModule('node:fs')
const { join } = process.getBuiltinModule('node:path')
const folder = typeof __dirname === 'string' ? join(__dirname, 'worker') : ''
const isOfWorker = globalThis[Symbol.for('concurrent-futures.core:' + folder)] !== undefined
if (!existsSync(join(folder, 'main.cjs'))) throw new Error('${BUNDLED}')
const library = isOfWorker ? require('./worker/library.cjs') : require('./library.cjs')
${names.map((name) => `exports.${name} = library.${name}\n`).join('')}`

/** dist/bullmq.cjs: its `require` may be a test runner's, as that of dist/index.cjs. */
export const peerRequireText = (names) => `// The CommonJS module of concurrent-futures/bullmq; its code is distributed.cjs.
'use strict'
const { Executor } = require('./index.cjs')
const distributed = require('./distributed.cjs')(Executor[${INNER}])
${names.map((name) => `exports.${name} = distributed.${name}\n`).join('')}`

/**
 * dist/bullmq.js. Its classes extend those of dist/index.js, which says what is wrong if a bundler has taken
 * it along, and has compiled its code anew in a vm context: so is this.
 */
export const peerEntryText = (names) => `// The ES module of concurrent-futures/bullmq; its code is distributed.cjs.
import { Executor } from './index.js'
const { createRequire } = process.getBuiltinModule('node:module')
const { readFileSync } = process.getBuiltinModule('node:fs')
const own = createRequire(import.meta.url)

function load() {
  if (Object.getPrototypeOf(createRequire) === Function.prototype) return own('./distributed.cjs')
  const file = own.resolve('./distributed.cjs')
  const module = { exports: {} }
  const code = readFileSync(file, 'latin1') + '\\n//# sourceURL=' + file
  let run
  try {
    run = new Function('require', 'module', '__filename', code)
  } catch {
    return own(file)
  }
  run(own, module, file)
  return module.exports
}

export const {
${names.map((name) => `  ${name},\n`).join('')}} = load()(Executor[${INNER}])
`

/** For the compiler: one tree of declarations, in CommonJS, which modules of both kinds can import. */
export const DECLARATIONS = new Map([
  ['index.d.ts', "export * from './types/index.js'\n"],
  ['index.d.cts', "export * from './types/index.js'\n"],
  ['bullmq.d.ts', "export * from './types/distributed/index.js'\n"],
  ['bullmq.d.cts', "export * from './types/distributed/index.js'\n"],
  ['types/package.json', '{ "type": "commonjs" }\n'],
])

/**
 * dist/index.js. The code is CommonJS, and in the program's realm there is one of it. In a vm context, where
 * test runners load their modules, the classes of values have to be the context's own: there it is compiled
 * anew, by the context's \`Function\`; a context that forbids that has the program's.
 */
export const entryText = (names) => `// The ES module of concurrent-futures; its code is library.cjs.
const { url } = import.meta
if (url === undefined) {
  throw new Error('concurrent-futures was bundled into CommonJS, where import.meta is empty: ${LEFT_OUT}')
}
if (!url.startsWith('file:')) {
  throw new Error(
    'the code of concurrent-futures has come from ' + url.slice(0, url.indexOf(':') + 1) +
      ', and its workers run a file: the tool that loads it must leave it out (Vitest: server.deps.external)',
  )
}
const { createRequire } = process.getBuiltinModule('node:module')
const { existsSync, readFileSync } = process.getBuiltinModule('node:fs')
const { dirname, resolve } = process.getBuiltinModule('node:path')
const own = createRequire(url)
const compiled = new Map()

function compile(file) {
  if (!file.endsWith('.cjs')) return own(file)
  const found = compiled.get(file)
  if (found !== undefined) return found.exports
  const [module, folder] = [{ exports: {} }, dirname(file)]
  compiled.set(file, module)
  const code = readFileSync(file, 'latin1') + '\\n//# sourceURL=' + file
  const run = new Function('exports', 'require', 'module', '__filename', '__dirname', code)
  run(module.exports, (name) => compile(resolve(folder, name)), module, file, folder)
  return module.exports
}

function load() {
  const file = own.resolve('./library.cjs')
  const folder = resolve(dirname(file), 'worker')
  const isOfWorker = globalThis[Symbol.for('concurrent-futures.core:' + folder)] !== undefined
  if (isOfWorker) return own(resolve(folder, 'library.cjs'))
  if (Object.getPrototypeOf(createRequire) === Function.prototype) return own(file)
  try {
    Function('')
  } catch {
    return own(file)
  }
  return compile(file)
}

function whyNot(error) {
  if (existsSync(new URL('./library.cjs', url))) return error
  return new Error('${BUNDLED}', { cause: error })
}

let library
try {
  library = load()
} catch (error) {
  throw whyNot(error)
}
export const {
${names.map((name) => `  ${name},\n`).join('')}} = library
`
