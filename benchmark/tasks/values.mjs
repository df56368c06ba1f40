// Generators whose values a worker sends while it makes them, and how one sends them without a stream.

export const KINDS = {
  number: { make: (i) => i, isRight: (value, i) => value === i },
  row: {
    make: (i) => ({ id: i, name: `row number ${i}`, price: i / 4, tags: ['a', 'b'] }),
    isRight: (value, i) => value.id === i && value.price === i / 4 && value.tags.length === 2,
  },
}

export function* values({ kind, count }) {
  const { make } = KINDS[kind]
  for (let i = 0; i < count; i++) yield make(i)
}

/** Through a port, so many in each message; the last message is null. Nobody waits for a reader. */
export async function post({ kind, count, port, batch }) {
  let list = []
  for (const value of values({ kind, count })) {
    if (batch === 1) port.postMessage(value)
    else if (list.push(value) === batch) {
      port.postMessage(list)
      list = []
    }
  }
  if (list.length > 0) port.postMessage(list)
  port.postMessage(null)
  port.close()
}

/** All at once, as one result. */
export function all(argument) {
  return [...values(argument)]
}
