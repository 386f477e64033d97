"""Python that has imported ESPnet, and forks a process for each command of a recipe."""

import atexit
import contextlib
import importlib
import io
import json
import os
import resource
import runpy
import select
import signal
import socket
import sys
import threading
import traceback
from pathlib import Path
from typing import Any

MODULES = (
    "espnet_soups.task.msp_task",
    "espnet_soups.task.training.msp_trainer",
    "espnet_soups.inference.decode_set",
    "sacrebleu",
    "matplotlib.figure",
)


def serve(path: Path) -> None:
    """Answer requests until the parent of this process has ended.

    Args:
        path: Socket to make. It appears once the modules are imported.
    """
    try:
        for name in MODULES:
            importlib.import_module(name)
    except BaseException:
        path.touch()  # nobody waits for a server any more
        raise
    server = socket.socket(socket.AF_UNIX)
    server.bind(f"{path}.new")
    server.listen(64)
    os.rename(f"{path}.new", path)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those who keep a command
    parent = os.getppid()
    while os.getppid() == parent:
        if not select.select([server], [], [], 2.0)[0]:
            continue
        connection, _ = server.accept()
        if os.fork() == 0:
            server.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            keep(connection)
        connection.close()


def keep(connection: socket.socket) -> None:
    """Run a command in a process of its own, pass on signals, and send its exit status.

    Args:
        connection: The other side, `sitecustomize.py`.
    """
    size, streams, *_ = socket.recv_fds(connection, 4, 3)
    body = b""
    while len(body) < int.from_bytes(size, "little"):
        body += connection.recv(1 << 20)
    child = os.fork()
    if child == 0:
        connection.close()
        run(json.loads(body), streams)
    for stream in streams:
        os.close(stream)
    ended = os.pidfd_open(child)
    while ended not in (ready := select.select([ended, connection], [], [])[0]):
        numbers = connection.recv(64) if connection in ready else b""
        if not numbers:  # the other side was killed, and so would have been the command
            os.killpg(child, signal.SIGKILL)
            break
        for number in numbers:
            os.kill(child, number)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    with contextlib.suppress(OSError):
        connection.send(bytes([status if status >= 0 else 128 - status]))
    os._exit(0)


def run(request: dict[str, Any], streams: list[int]) -> None:
    """Become the process that a command would have been, and end.

    Args:
        request: What `sitecustomize.hand_over` has sent.
        streams: Standard input, output and error.
    """
    os.setsid()
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
    os.closerange(3, 256)
    for name, limits in request["limits"].items():
        if resource.getrlimit(getattr(resource, name)) != tuple(limits):
            resource.setrlimit(getattr(resource, name), tuple(limits))
    for number in request["ignored"]:
        signal.signal(number, signal.SIG_IGN)
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["environment"])
    module, *words = request["words"]
    own = [entry for entry in os.environ.get("PYTHONPATH", "").split(":") if entry]
    sys.path[:] = list(dict.fromkeys([os.getcwd(), *own, *sys.path]))
    importlib.invalidate_caches()
    sys.argv = [module, *words]
    at_once = request["unbuffered"]
    sys.stdin = open(0, closefd=False)  # noqa: SIM115
    sys.stdout = open(1, "wb", 0 if at_once else -1, closefd=False)  # noqa: SIM115
    sys.stdout = io.TextIOWrapper(sys.stdout, line_buffering=os.isatty(1), write_through=at_once)
    sys.stderr = open(2, "w", 1, closefd=False)  # noqa: SIM115
    sys.__stdin__, sys.__stdout__, sys.__stderr__ = sys.stdin, sys.stdout, sys.stderr
    status = 0
    try:
        if module == "-c":
            sys.argv = ["-c", *words[1:]]
            exec(compile(words[0], "<string>", "exec"), {"__name__": "__main__"})
        else:
            runpy.run_module(module, run_name="__main__", alter_sys=True)
    except SystemExit as ending:
        if isinstance(ending.code, str):
            print(ending.code, file=sys.stderr)
        status = 1 if isinstance(ending.code, str) else int(ending.code or 0)
    except KeyboardInterrupt:
        status = 130
    except BaseException:
        traceback.print_exc()
        status = 1
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            status = status or 120
    os._exit(status)


if __name__ == "__main__":
    serve(Path(sys.argv[1]))
