/** The lines to the workers that this isolate has started. Also those of workers that have gone, while something waits there. */
import type { Line } from './channel.ts'

export const lines: Map<number, Line> = new Map()
