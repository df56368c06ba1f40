// A transport that takes a moment until it writes, as one that has to connect does.
import { setTimeout as sleep } from 'node:timers/promises'
import pino from 'pino'

export default async function ({ file }) {
  await sleep(300)
  return pino.destination({ dest: file, sync: false })
}
