// What the figures were measured on and with.
import { availableParallelism, cpus, release, totalmem, type } from 'node:os'
import { version } from './contestants.mjs'

export function describeMachine() {
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memory: `${Math.round(totalmem() / 2 ** 30)} GiB`,
    system: `${type()} ${release()} ${process.arch}`,
    node: process.version,
  }
}

/** Version and options of each contestant, as a reader would write them. */
export function describeSettings(contestants, settings) {
  const described = {}
  for (const name of contestants) {
    if (name === 'node') continue
    const options = JSON.stringify(settings[name], (_key, value) => (value === Infinity ? 'Infinity' : value))
    described[name] = { version: version(name), options: options.replaceAll('"', '').replaceAll(',', ', ') }
  }
  return described
}
