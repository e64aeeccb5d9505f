"""A process for a contender, which runs steps on request and is idle otherwise."""

import os
import signal
import sys
import time
import traceback
from importlib import import_module
from multiprocessing import get_context
from typing import Any

from zoo.benchmark import device
from zoo.errors import ZooError, first_line

SMALLER = "a smaller batch may fit into the memory."
FULL = ("ResourceExhausted", "RESOURCE_EXHAUSTED", "OutOfMemory", "allocate memory")  # in errors of the libraries
PATIENCE = 10  # seconds until a process that hasn't ended is killed
# Several processes share a GPU, so none may preallocate all of its memory.
SHARING = {"TF_FORCE_GPU_ALLOW_GROWTH": "true", "XLA_PYTHON_CLIENT_PREALLOCATE": "false"}


class Process:
    """A process that has called `prepare(*arguments, **settings)` of a module; `run` calls the function it returned.

    `build_seconds` is how long `prepare` took, without imports, and `device` the name of the device that the module's
    `LIBRARY` computes on. Used as a context manager, it ends the process.

    Raises:
        ZooError: as the module does, and if memory runs out, for which the system may have killed the process.
        RuntimeError: for any other exception; the message's first line is the error, the others its traceback.
    """

    def __init__(self, module: str, *arguments: Any, **settings: Any) -> None:
        context = get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, module, arguments, settings), daemon=True)
        self._process.start()
        theirs.close()  # so that ours ends when the process does
        self.build_seconds, self.device = self._answered()

    def __enter__(self):
        return self

    def __exit__(self, problem, *_):
        self._connection.close()
        if problem is None:
            self._process.join(PATIENCE)
        self._process.kill()
        self._process.join()

    def run(self, steps: int) -> tuple[float, int]:
        """Run a number of steps; return the seconds that they took, and the peak memory so far, in bytes."""
        return self._answered(steps)

    def _answered(self, *asked):
        try:
            for steps in asked:
                self._connection.send(steps)
            answer = self._connection.recv()
        except (EOFError, ConnectionError):
            raise ZooError(f"its process was killed; {SMALLER}") from None
        except BaseException:
            self._process.kill()
            raise
        if isinstance(answer, Exception):
            raise answer
        return answer


def _serve(connection, module, arguments, settings):
    """Send build seconds and device, then, until the parent closes the pipe, run each number of steps that it sends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends this process
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())  # hides the libraries' start-up messages
    os.environ.update(SHARING)
    try:
        contender = import_module(module)
        seconds, run = _timed(contender.prepare, *arguments, **settings)
        connection.send((seconds, device.name(contender.LIBRARY)))
        while True:
            seconds, _ = _timed(run, connection.recv())
            connection.send((seconds, device.peak(contender.LIBRARY)))
    except EOFError:
        pass
    except ZooError as problem:
        connection.send(problem)
    except MemoryError as problem:
        connection.send(ZooError(f"{first_line(problem)}; {SMALLER}"))
    except Exception as problem:
        message = f"{type(problem).__name__}: {first_line(problem)}"
        if any(word in message for word in FULL):
            connection.send(ZooError(f"its device ran out of memory; {SMALLER}"))
        else:
            connection.send(RuntimeError(f"{message}\n\n{traceback.format_exc()}"))


def _timed(function, *arguments, **settings):
    start = time.perf_counter()
    result = function(*arguments, **settings)
    return time.perf_counter() - start, result
