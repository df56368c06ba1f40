// The task that gives its argument's memory back instead of a copy.
import Tinypool from 'tinypool'

export function bounce(bytes) {
  return Tinypool.move(bytes)
}
