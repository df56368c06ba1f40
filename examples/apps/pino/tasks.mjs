import { makeLogger } from './logger.mjs'

const log = makeLogger()

export function resize(width) {
  log.info({ width }, 'resizing')
  if (width > 1_000) throw new RangeError('too wide')
  return width / 2
}

export function spins() {
  for (;;);
}
