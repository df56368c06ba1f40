// What the loader says when it has found no addon that runs: where it is, what it has tried, and what to do.
// These functions become a part of index.js (scripts/loader.mjs), where `PLATFORMS` and `isBundled` are.
/* global PLATFORMS, isBundled */

const INSTALL_AGAIN = 'delete node_modules and the lock file, and run npm install again on this machine'

/** What the system's loader says of a file that cannot run here, and the cure. */
const CURES = [
  [
    /GLIBC_[\d.]+' not found/,
    'the C library of this system is older than the binary needs: take a newer system or image, or build the addon on it',
  ],
  [
    /invalid ELF header|wrong ELF class|file too short|cannot open shared object file|exec format error|incompatible architecture|not a mach-o|not a valid win32|ld-(linux|musl)|libc\.(musl|so)/i,
    `the file is damaged, or made for another system or C library, as when node_modules is copied from one machine to another: ${INSTALL_AGAIN}`,
  ],
  [
    /failed to map segment|operation not permitted|permission denied/i,
    'the system lets nothing run from this folder: it is mounted noexec, or a rule of security forbids it',
  ],
]

/** `tried` are the errors of all places where the loader has looked. */
export function whyNotLoaded(tried) {
  const { reason, cure } = diagnose(tried)
  const places = tried.map((error) => `  ${placeOf(error)}\n`)
  return `${reason}\nHere: ${describeSystem()}\nTried:\n${places.join('')}What to do: ${cure}`
}

function diagnose(tried) {
  const named = process.env.NAPI_RS_NATIVE_LIBRARY_PATH
  const error = tried.find((each) => each?.code !== 'MODULE_NOT_FOUND')
  const [wanted = `${process.platform}-${process.arch}`] = tried.flatMap((each) => /binding-([\w-]+)/.exec(each?.message)?.[1] ?? [])
  if (error?.code === 'ERR_DLOPEN_DISABLED' || error?.code === 'ERR_ACCESS_DENIED') {
    const cure = 'Node.js must run without --no-addons, and under --permission with --allow-addons and --allow-worker'
    return { reason: `The addon of concurrent-futures could not be loaded: ${error.message} (it is native: ${cure})`, cure }
  }
  if (named !== undefined) {
    const reason = `The addon of concurrent-futures could not be loaded: ${(error ?? tried[0])?.message?.split('\n')[0]}`
    return { reason, cure: `the variable NAPI_RS_NATIVE_LIBRARY_PATH names ${named}: correct it, or take it away` }
  }
  if (error?.code !== 'ERR_DLOPEN_FAILED' && !PLATFORMS.includes(wanted)) {
    const cure = `it is published for ${PLATFORMS.join(', ')}; for others build it from its sources on such a machine (npm run build)`
    return { reason: `Cannot find native binding: concurrent-futures has no binary for ${wanted}`, cure }
  }
  if (error !== undefined) {
    const [, cure = INSTALL_AGAIN] = CURES.find(([pattern]) => pattern.test(error.message)) ?? []
    return { reason: `The addon of concurrent-futures could not be loaded: ${error.message}`, cure }
  }
  if (isBundled()) {
    const cure = 'mark it as external (esbuild: --external:concurrent-futures), its workers run files of its own'
    return { reason: 'Cannot find native binding: a bundler has put the code of concurrent-futures elsewhere', cure }
  }
  const cure =
    'npm was told to leave out optional dependencies (--omit=optional: install without it), or the lock file was made on another ' +
    `platform: ${INSTALL_AGAIN}`
  return { reason: `Cannot find native binding: the package @concurrent-futures/binding-${wanted} is not installed`, cure }
}

function placeOf(error) {
  const message = String(error?.message ?? error).split('\n')[0]
  const [, missing] = /^Cannot find module '([^']+)'/.exec(message) ?? []
  return missing === undefined ? message : `${missing}: not there`
}

function describeSystem() {
  const { arch, platform, report, version } = process
  return `${platform}-${arch}${platform === 'linux' ? ` with ${nameLibc(report)}` : ''}, Node.js ${version}`
}

function nameLibc(report) {
  try {
    report.excludeNetwork = true
    const { header, sharedObjects } = report.getReport()
    if (header.glibcVersionRuntime !== undefined) return `glibc ${header.glibcVersionRuntime}`
    return sharedObjects.some((file) => /musl/.test(file)) ? 'musl' : 'a C library that is neither glibc nor musl'
  } catch {
    return 'a C library that it does not tell'
  }
}

/** All of it as source. */
export const SOURCE = [
  `const INSTALL_AGAIN = ${JSON.stringify(INSTALL_AGAIN)}`,
  `const CURES = [\n${CURES.map(([pattern, cure]) => `  [${pattern}, ${JSON.stringify(cure)}],\n`).join('')}]`,
  ...[whyNotLoaded, diagnose, placeOf, describeSystem, nameLibc].map(String),
].join('\n\n')
