// What napi's generated loader, index.js, says when it finds no addon: that npm has left out a package. That
// is so only where no file was found; and the addon for WebAssembly that it looks for does not exist.
import { Failure } from './command.mjs'

const REQUIRE = /^const require = createRequire\(import\.meta\.url\)$/m
const MISSING = /new Error\(\n *`Cannot find native binding\. ` \+\n[^]*?,\n *\)/
const CAUSE = /error\.cause = createLoadErrorChain\(loadErrors\)/

const BUNDLED = `// Of scripts/loader.mjs: a bundler that makes CommonJS leaves nothing here.
if (import.meta.url === undefined) {
  throw new Error(
    'concurrent-futures was bundled into CommonJS, where import.meta is empty: ' +
      'mark it as external (esbuild: --external:concurrent-futures), its workers run files of its own',
  )
}
const require = createRequire(import.meta.url)`

const REASON = `
// Of scripts/loader.mjs: why there is no addon.
function whyNotLoaded(errors) {
  const reason = errors.find((error) => error && error.code !== 'MODULE_NOT_FOUND')
  if (reason !== undefined) {
    const isForbidden = reason.code === 'ERR_DLOPEN_DISABLED' || reason.code === 'ERR_ACCESS_DENIED'
    const cure = isForbidden ? ' (it is native: Node.js must run without --no-addons, and under --permission with --allow-addons and --allow-worker)' : ''
    return \`The addon of concurrent-futures could not be loaded: \${reason.message}\${cure}\`
  }
  if (isBundled()) {
    return (
      'Cannot find native binding: a bundler has put the code of concurrent-futures elsewhere. ' +
      'Mark it as external (esbuild: --external:concurrent-futures), its workers run files of its own'
    )
  }
  const names = errors.map((error) => /@[^']+\\/binding-[^'/]+/.exec(error && error.message)).filter((match) => match)
  const name = names.length > 0 ? names[0][0] : 'with it'
  return (
    \`Cannot find native binding: the package \${name} is not installed. \` +
    'npm was told to leave out optional dependencies (--omit=optional), or the lock file was made on another platform: ' +
    'delete node_modules and package-lock.json, and run npm install again'
  )
}

function isBundled() {
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
  for (const pattern of [REQUIRE, MISSING, CAUSE]) {
    if (!pattern.test(loader)) throw new Failure("napi's loader is not as it used to be: see scripts/loader.mjs")
  }
  const changed = loader
    .replace(REQUIRE, () => BUNDLED)
    .replace(MISSING, () => 'new Error(whyNotLoaded(ofThisPlatform(loadErrors)))')
    .replace(CAUSE, () => 'error.cause = createLoadErrorChain(ofThisPlatform(loadErrors))')
  return changed + REASON
}
