// All cases. Each has a title, which states what holds, and a `run` that throws if it does not; `unless`
// says why it cannot run here.
import bundlers from './cases/bundlers.mjs'
import commonjs from './cases/commonjs.mjs'
import hosts from './cases/hosts.mjs'
import managers from './cases/managers.mjs'
import next from './cases/next.mjs'
import npm from './cases/npm.mjs'
import roots from './cases/roots.mjs'
import runtimes from './cases/runtimes.mjs'

export const CASES = { ...npm, ...managers, ...runtimes, ...bundlers, ...next, ...hosts, ...roots, ...commonjs }

/** Under a minute, for every run of CI. */
export const QUICK = ['npm', 'npm-elsewhere', 'npm-omit-optional', 'esbuild']
