// The same on both sides.
export const queue = process.env.QUEUE ?? 'mining'
export const connection = process.env.REDIS_URL ?? 'redis://localhost:6379'
export const modules = { tasks: new URL('./tasks.mjs', import.meta.url) }
