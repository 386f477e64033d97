"""Start the server that forks commands of recipes, and lead commands to it."""

import atexit
import functools
import os
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]


def warm_variables(code: bool = False) -> dict[str, str]:
    """Return variables with which `python -m espnet_soups.bin.…` is forked from the server.

    Args:
        code: Whether `python -c …` is, too.
    """
    variables = {"PYTHONPATH": f"{ROOT}:{HERE}", "WARM_PYTHON": str(_start())}
    return variables | ({"WARM_CODE": "1"} if code else {})


@functools.cache
def _start() -> Path:
    """Start the server; its socket is there once it is ready, and who comes earlier waits."""
    path = Path(tempfile.mkdtemp(prefix="warm_python_")) / "socket"
    variables = os.environ | {"PYTHONPATH": str(ROOT)}
    server = subprocess.Popen([sys.executable, HERE / "server.py", path], env=variables)
    atexit.register(server.kill)  # which also keeps it from being collected
    return path
