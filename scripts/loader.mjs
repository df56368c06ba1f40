// What napi's generated loader, index.js, says when it finds no addon: that npm has left out a package. That
// is so only where no file was found; and the addon for WebAssembly that it looks for does not exist.
import { Failure } from './command.mjs'
import { platforms } from './platforms.mjs'
import { SOURCE } from './why-no-addon.mjs'

const REQUIRE = /^const require = createRequire\(import\.meta\.url\)$/m
const MISSING = /new Error\(\n *`Cannot find native binding\. ` \+\n[^]*?,\n *\)/
const CAUSE = /error\.cause = createLoadErrorChain\(loadErrors\)/
/** The head, after which constants can stand that the code below it needs. */
const FIRST = /^let nativeBinding = null$/m

const BUNDLED = `// Of scripts/loader.mjs: a bundler that makes CommonJS leaves nothing here.
if (import.meta.url === undefined) {
  throw new Error(
    'concurrent-futures was bundled into CommonJS, where import.meta is empty: ' +
      'mark it as external (esbuild: --external:concurrent-futures), its workers run files of its own',
  )
}
const require = createRequire(import.meta.url)`

const OTHERS = `function isBundled() {
  try {
    return JSON.parse(readFileSync(new URL('./package.json', import.meta.url), 'utf8')).name !== 'concurrent-futures'
  } catch {
    return true
  }
}

function ofThisPlatform(errors) {
  return errors.filter((error) => !/wasm32-wasi|\\.wasi\\.cjs/.test(error && error.message))
}
`

/** The generated loader, with the true reason in its messages. */
export function withReason(loader) {
  for (const pattern of [REQUIRE, MISSING, CAUSE, FIRST]) {
    if (!pattern.test(loader)) throw new Failure("napi's loader is not as it used to be: see scripts/loader.mjs")
  }
  const names = `const PLATFORMS = ${JSON.stringify(platforms().toSorted())}`
  const reason = `// Of scripts/loader.mjs: why there is no addon.\n${names}\n\n${SOURCE}\n\n${OTHERS}`
  return loader
    .replace(REQUIRE, () => BUNDLED)
    .replace(FIRST, (first) => `${reason}\n${first}`)
    .replace(MISSING, () => 'new Error(whyNotLoaded(ofThisPlatform(loadErrors)))')
    .replace(CAUSE, () => 'error.cause = createLoadErrorChain(ofThisPlatform(loadErrors))')
}
