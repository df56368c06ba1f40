/**
 * The channels to the workers that this isolate has started. Also those of workers that have gone, while
 * something waits there.
 */
import type { Channel } from './channel.ts'

export const channels: Map<number, Channel> = new Map()
