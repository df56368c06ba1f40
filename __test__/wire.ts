/**
 * The way between a client and a server, on which a test can hold everything from a certain moment on: a
 * network that breaks right then.
 */
import { connect, createServer } from 'node:net'
import type { AddressInfo, Server, Socket } from 'node:net'

export class Wire {
  readonly #server: Server
  readonly #sockets: Set<Socket> = new Set()
  #text: string | undefined
  #isToArrive = false
  #isHeld = false
  #kept: (() => void)[] = []

  /** A way to this port of the loopback. */
  static async to(port: number): Promise<Wire> {
    const wire = new Wire(port)
    await new Promise<void>((resolve) => wire.#server.listen({ port: 0, host: '127.0.0.1' }, resolve))
    return wire
  }

  private constructor(port: number) {
    this.#server = createServer((client) => {
      const server = connect(port, '127.0.0.1')
      this.#pass(client, server, () => false)
      this.#pass(server, client, (data) => this.#text !== undefined && data.includes(this.#text))
    })
  }

  get url(): string {
    return `redis://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  get isHeld(): boolean {
    return this.#isHeld
  }

  /** Holds everything, both ways, as soon as the server says this; that itself may still arrive. */
  holdAt(text: string, isToArrive: boolean): void {
    this.#text = text
    this.#isToArrive = isToArrive
  }

  /** What was held arrives. */
  release(): void {
    this.#text = undefined
    this.#isHeld = false
    for (const write of this.#kept) write()
    this.#kept = []
    for (const socket of this.#sockets) socket.resume()
  }

  end(): void {
    this.#server.close()
    for (const socket of this.#sockets) socket.destroy()
  }

  #hold(): void {
    this.#isHeld = true
    for (const socket of this.#sockets) socket.pause()
  }

  #pass(from: Socket, to: Socket, isMoment: (data: Buffer) => boolean): void {
    this.#sockets.add(from)
    if (this.#isHeld) from.pause()
    from.on('data', (data) => {
      if (isMoment(data)) this.#hold()
      if (this.#isHeld && !this.#isToArrive) this.#kept.push(() => to.write(data))
      else to.write(data)
    })
    from.on('error', () => to.destroy())
    from.on('close', () => {
      this.#sockets.delete(from)
      to.destroy()
    })
  }
}
