/**
 * Commands that last through a broken connection. A client of ioredis sends again what had no answer; one of
 * node-redis gives up what was under way, and so would whoever waits for it.
 */
import { setTimeout } from '../inner.ts'
import type { IRedisClient } from './peer.ts'

/** What clients say of a connection that broke, and is made anew; one that was closed is not. */
const CUT = /socket closed|socket timeout|connection timeout|ECONNRESET|ECONNREFUSED|EPIPE|ETIMEDOUT/i

/** How long until it is tried again, in ms. */
const PAUSE = 200

/** What is used of a client, all of which may be done twice. */
export type Commands = Pick<IRedisClient, 'get' | 'set' | 'del' | 'hget' | 'hmget' | 'xadd'>

const NAMES = ['get', 'set', 'del', 'hget', 'hmget', 'xadd'] as const

function isCut(error: unknown): boolean {
  return error instanceof Error && CUT.test(error.message)
}

/** Does it until it is not the connection that it fails by, or `isOver`. What it does may be done twice. */
export async function lasting<T>(isOver: () => boolean, fn: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await fn()
    } catch (error) {
      if (isOver() || !isCut(error)) throw error
    }
    await new Promise<void>((resolve) => setTimeout(resolve, PAUSE).unref())
  }
}

/** The commands of a client, each of which lasts. */
export function durable(client: IRedisClient, isOver: () => boolean): Commands {
  const commands: Record<string, unknown> = Object.create(null)
  for (const name of NAMES) {
    const command = client[name].bind(client) as (...args: unknown[]) => Promise<unknown>
    commands[name] = (...args: unknown[]) => lasting(isOver, () => command(...args))
  }
  return commands as unknown as Commands
}
