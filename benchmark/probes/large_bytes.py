"""100 MiB to another process: through a socket, and through shared memory (memfd). Milliseconds, medians.

python3 benchmark/probes/large_bytes.py [ROUNDS]   (Linux; docs/processes.md quotes it)
"""

import mmap
import os
import socket
import statistics
import sys
import time

SIZE = 100 << 20
ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 7
SOURCE = os.urandom(1 << 20) * 100


def timed(send, receive):
    """How long it takes from `send` until the child has done `receive`."""
    ours, theirs = socket.socketpair()
    pid = os.fork()
    if pid == 0:
        ours.close()
        receive(theirs)
        theirs.sendall(b"k")
        os._exit(0)
    theirs.close()
    time.sleep(0.2)
    start = time.perf_counter()
    send(ours)
    ours.recv(1)
    took = time.perf_counter() - start
    os.waitpid(pid, 0)
    return took * 1e3


def receive_bytes(channel):
    view = memoryview(bytearray(SIZE))
    count = 0
    while count < SIZE:
        count += channel.recv_into(view[count:], SIZE - count)


def send_memory(channel):
    fd = os.memfd_create("bytes")
    os.ftruncate(fd, SIZE)
    view = memoryview(SOURCE)
    count = 0
    while count < SIZE:
        count += os.write(fd, view[count:])
    socket.send_fds(channel, [b"x"], [fd])
    os.close(fd)


def mapped(channel):
    _, (fd, *_), _, _ = socket.recv_fds(channel, 1, 1)
    return mmap.mmap(fd, SIZE, access=mmap.ACCESS_READ)


def touch(channel):
    memory = mapped(channel)
    return sum(memory[at] for at in range(0, SIZE, mmap.PAGESIZE))


ways = {
    "socket": (lambda channel: channel.sendall(SOURCE), receive_bytes),
    "memfd, touched in place": (send_memory, touch),
    "memfd, copied out": (send_memory, lambda channel: bytes(mapped(channel))),
}
times = {name: [] for name in ways}
for _ in range(ROUNDS):
    for name, way in ways.items():
        times[name].append(timed(*way))
for name, rounds in times.items():
    print(f"{name}: {statistics.median(rounds):.0f} ms")
