// The task of the first part: the primality test of the ProcessPoolExecutor example in CPython's
// documentation, line for line.
import { tasks } from 'concurrent-futures'

export const NUMBERS = [112272535095293, 112582705942171, 112272535095293, 115280095190773, 115797848077099, 1099726899285419]

export const { isPrime } = tasks(import.meta, {
  isPrime(n) {
    if (n < 2) return false
    if (n === 2) return true
    if (n % 2 === 0) return false
    const root = Math.floor(Math.sqrt(n))
    for (let i = 3; i <= root; i += 2) {
      if (n % i === 0) return false
    }
    return true
  },
})
