"""CPython's ProcessPoolExecutor by the rules of suites/process.mjs: process_pool.py [quick]

The last line of the output is the figures as JSON.
"""

import json
import multiprocessing
import os
import resource
import signal
import statistics
import sys
import threading
import time
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool

MIB = 2**20
IN_FLIGHT = 1000
SETTLED = 0.1
QUICK = sys.argv[1:] == ["quick"]


def add_one(n):
    return n + 1


def echo(value):
    return value


def spin(_):
    while True:
        pass


def pid(_):
    return os.getpid()


def hold(seconds):
    time.sleep(seconds)


def started(workers):
    executor = ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("fork"))
    for future in [executor.submit(hold, 0.5 if workers > 1 else 0) for _ in range(workers)]:
        future.result()
    return executor


def one_by_one(executor, tasks, function, argument, check):
    times = []
    for i in range(tasks):
        value = argument(i)
        start = time.perf_counter()
        result = executor.submit(function, value).result()
        times.append(time.perf_counter() - start)
        if not check(result, i):
            raise ValueError(f"task {i} came back wrong")
    return sorted(times)


def single():
    with started(1) as executor:
        run = lambda tasks: one_by_one(executor, tasks, add_one, lambda i: i, lambda result, i: result == i + 1)
        run(500 if QUICK else 3000)
        times = run(1000 if QUICK else 15_000)
    return {"p50": times[len(times) // 2] * 1e6, "p99": times[len(times) * 99 // 100] * 1e6}


def keep_in_flight(executor, tasks):
    """Each result submits the next; the seconds it took."""
    lock = threading.Lock()
    all_done = threading.Event()
    state = {"next": 0, "done": 0, "error": None}

    def submit():
        with lock:
            i = state["next"]
            if i == tasks:
                return
            state["next"] = i + 1
        executor.submit(add_one, i).add_done_callback(lambda future: done(future, i))

    def done(future, i):
        if future.exception() is not None or future.result() != i + 1:
            state["error"] = f"task {i} came back wrong"
            return all_done.set()
        submit()
        with lock:
            state["done"] += 1
            if state["done"] == tasks:
                all_done.set()

    start = time.perf_counter()
    for _ in range(min(tasks, IN_FLIGHT)):
        submit()
    all_done.wait()
    if state["error"] is not None:
        raise ValueError(state["error"])
    return time.perf_counter() - start


def cpu_of_all(executor):
    """Seconds of this process and its children, all threads."""
    own = resource.getrusage(resource.RUSAGE_SELF)
    seconds = own.ru_utime + own.ru_stime
    for child in list(executor._processes):
        with open(f"/proc/{child}/stat") as file:
            fields = file.read().rpartition(")")[2].split()
        seconds += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return seconds


def throughput():
    with started(2) as executor:
        tasks = 3 * IN_FLIGHT
        begin = time.perf_counter()
        while True:
            rate = tasks / keep_in_flight(executor, tasks)
            if time.perf_counter() - begin > (0.2 if QUICK else 0.6):
                break
        tasks = max(2, round(rate * (0.3 if QUICK else 2) / IN_FLIGHT)) * IN_FLIGHT
        before = cpu_of_all(executor) if sys.platform == "linux" else None
        seconds = keep_in_flight(executor, tasks)
        result = {"flight1k": tasks / seconds}
        if before is not None:
            result["cpu"] = (cpu_of_all(executor) - before) / tasks * 1e6
    return result


def payloads():
    with started(1) as executor:

        def middle(tasks, length):
            value = bytes(length)
            times = one_by_one(executor, tasks, echo, lambda _: value, lambda result, _: len(result) == length)
            return times[len(times) // 2] * 1000

        middle(10 if QUICK else 50, MIB)
        small = middle(30 if QUICK else 300, MIB)
        middle(1, 100 * MIB)
        return {"bytes1m": small, "bytes100m": middle(2 if QUICK else 5, 100 * MIB)}


def memory_of(child):
    with open(f"/proc/{child}/statm") as file:
        resident = int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    with open(f"/proc/{child}/smaps_rollup") as file:
        own = sum(int(line.split()[1]) * 1024 for line in file if line.startswith("Private_"))
    return {"rss": resident / 1e6, "own": own / 1e6}


def fresh():
    samples = []
    for i in range(3 if QUICK else 7):
        begin = time.perf_counter()
        executor = ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("fork"))
        if executor.submit(add_one, i).result() != i + 1:
            raise ValueError("the first result is wrong")
        sample = {"first": (time.perf_counter() - begin) * 1000}
        time.sleep(SETTLED)
        if sys.platform == "linux":
            sample.update(memory_of(executor.submit(pid, 0).result()))
        samples.append(sample)
        executor.shutdown()
    return medians(samples)


def deaths():
    samples = []
    for _ in range(3 if QUICK else 9):
        executor = started(1)
        victim = executor.submit(pid, 0).result()
        future = executor.submit(spin, 0)
        time.sleep(SETTLED)
        begin = time.perf_counter()
        os.kill(victim, signal.SIGKILL)
        try:
            future.result()
        except BrokenProcessPool:
            lost = time.perf_counter()
        # The executor is of no use any more.
        new = ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("fork"))
        if new.submit(pid, 0).result() == victim:
            raise ValueError("a dead child has answered")
        samples.append({"lost": (lost - begin) * 1000, "next": (time.perf_counter() - begin) * 1000})
        new.shutdown()
        executor.shutdown()
    return medians(samples[1:])


def medians(samples):
    return {key: statistics.median(sample[key] for sample in samples) for key in samples[0]}


if __name__ == "__main__":
    print(json.dumps({**single(), **throughput(), **payloads(), **fresh(), **deaths()}))
