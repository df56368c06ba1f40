import { tasks } from 'concurrent-futures'

export const { double } = tasks(import.meta, { double: (n) => 2 * n })
