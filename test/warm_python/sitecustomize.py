"""Read by every Python that finds this folder in PYTHONPATH: hand commands of recipes to a server.

Importing ESPnet takes 5 s of CPU, and a recipe does so two dozen times. The server has imported it
already, and forks a process for each command: see `server.py`. This process passes on signals and
the exit status. Without a server it goes on as any other Python.
"""

import os
import sys

COMMANDS = ("espnet_soups.bin.", "espnet2.bin.", "tools.stock.")
WAIT = 1200  # times 50 ms, for a server that is starting: it is ready before this process would be
LIGHT = ("espnet_soups.bin.run_jobs", "espnet_soups.bin.follow_training")  # import no ESPnet


def hand_over(path: str, words: list[str], unbuffered: bool) -> None:
    """Let the server run a command, and end with its exit status.

    Args:
        path: The server's socket.
        words: The words of the command, without Python itself.
        unbuffered: Write what is printed at once.
    """
    import json
    import resource
    import signal
    import socket
    import time

    for _ in range(WAIT):
        if os.path.exists(path):
            break
        time.sleep(0.05)
    server = socket.socket(socket.AF_UNIX)
    try:
        server.connect(path)
    except OSError:
        return
    limits = {
        name: resource.getrlimit(getattr(resource, name))
        for name in ("RLIMIT_FSIZE", "RLIMIT_NOFILE", "RLIMIT_AS")
    }
    ignored = [n for n in signal.valid_signals() if signal.getsignal(n) is signal.SIG_IGN]
    request = {
        "words": words,
        "unbuffered": unbuffered,
        "cwd": os.getcwd(),
        "environment": dict(os.environ),
        "limits": limits,
        "ignored": [int(number) for number in ignored],
    }
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2):
        if number not in ignored:
            signal.signal(number, lambda number, _: server.send(bytes([number])))
    body = json.dumps(request).encode()
    socket.send_fds(server, [len(body).to_bytes(4, "little")], [0, 1, 2])
    server.sendall(body)
    answer = server.recv(1)
    status = int.from_bytes(answer, "little") if answer else 1
    if status - 128 in (signal.SIGKILL, signal.SIGTERM):  # end as the command has
        if status - 128 != signal.SIGKILL:
            signal.signal(status - 128, signal.SIG_DFL)
        os.kill(os.getpid(), status - 128)
    os._exit(status)


if "WARM_PYTHON" in os.environ:
    _words = sys.orig_argv[1:]
    _unbuffered = _words[:1] == ["-u"]
    _words = _words[_unbuffered:]
    if _words[:1] == ["-m"] and _words[1].startswith(COMMANDS) and _words[1] not in LIGHT:
        hand_over(os.environ["WARM_PYTHON"], _words[1:], _unbuffered)
    if _words[:1] == ["-c"] and "WARM_CODE" in os.environ:
        hand_over(os.environ["WARM_PYTHON"], _words, _unbuffered)
