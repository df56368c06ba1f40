// What napi's generated loader, index.js, says when it finds no addon: that npm has left out a package. That
// is so only where no file was found.
import { Failure } from './command.mjs'

const MISSING = /new Error\(\n( *`Cannot find native binding\. ` \+\n[^]*?),\n *\)/

const REASON = `
// Of scripts/loader.mjs: why an addon that is there could not be loaded; undefined if none is there.
function whyNotLoaded(errors) {
  const reason = errors.find((error) => error && error.code !== 'MODULE_NOT_FOUND')
  if (reason === undefined) return undefined
  const isForbidden = reason.code === 'ERR_DLOPEN_DISABLED' || reason.code === 'ERR_ACCESS_DENIED'
  const cure = isForbidden ? ' (it is native: Node.js must run without --no-addons, and under --permission with --allow-addons and --allow-worker)' : ''
  return \`The addon of concurrent-futures could not be loaded: \${reason.message}\${cure}\`
}
`

/** The generated loader, with the true reason in its message. */
export function withReason(loader) {
  if (!MISSING.test(loader)) throw new Failure("napi's loader does not fail as it used to: see scripts/loader.mjs")
  return `${loader.replace(MISSING, (_, message) => `new Error(\n      whyNotLoaded(loadErrors) ??\n${message},\n    )`)}${REASON}`
}
