"""A contender in a process of its own, which works when it is asked to and is idle otherwise."""

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
FULL = ("ResourceExhausted", "RESOURCE_EXHAUSTED", "OutOfMemory", "allocate memory")  # TensorFlow, JAX, PyTorch say
PATIENCE = 10  # seconds that a process has to end by itself
# Several processes share a graphics card, so none may take all of its memory at once.
SHARING = {"TF_FORCE_GPU_ALLOW_GROWTH": "true", "XLA_PYTHON_CLIENT_PREALLOCATE": "false"}


class Process:
    """A process in which `prepare(*arguments, **settings)` of a module was called, and what that returned can be run.

    `build_seconds` is how long the call took, without the imports, and `device` the name of what the module's `LIBRARY`
    computes on. As a context it ends the process.

    Raises:
        ZooError: what the contender raises as such, and for a lack of memory, which may have killed the process.
        RuntimeError: anything else that it raises; the message's first line says what, the others where.
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
        """Run so many steps; return the seconds that they took, and the peak of memory so far, in bytes."""
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
    """Answer until the other end is gone: first with the seconds of building, then to each number of steps."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends this process
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())  # the libraries' start-up notes
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
        told = f"{type(problem).__name__}: {first_line(problem)}"
        if any(word in told for word in FULL):
            connection.send(ZooError(f"its device ran out of memory; {SMALLER}"))
        else:
            connection.send(RuntimeError(f"{told}\n\n{traceback.format_exc()}"))


def _timed(function, *arguments, **settings):
    start = time.perf_counter()
    result = function(*arguments, **settings)
    return time.perf_counter() - start, result
