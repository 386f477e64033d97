"""One command, run N times with the word JOB replaced by 1 … N, as Kaldi's run.pl does."""

import os
import re
from dataclasses import asdict, dataclass
from pathlib import Path

from espnet_soups.files import read_json, write_json

# `decode.JOB.log` and `split_JOB` are meant, `JOBS` is another word
_PLACE = re.compile(r"(?<![A-Za-z0-9])JOB(?![A-Za-z0-9])")

# what a job on another machine needs to find the same programs; nothing else leaves this machine
_PASSED_ON = (
    "PATH",
    "PYTHONPATH",
    "PYTHONNOUSERSITE",
    "LD_LIBRARY_PATH",
    "VIRTUAL_ENV",
    "CONDA_PREFIX",
    "LC_ALL",
)

SAVED = {
    "array": {
        **{"command": list[str], "jobs": int, "log": str},
        **{"num_threads?": int, "gpus?": int},
    },
    "environment": dict[str, str],
}


@dataclass(frozen=True)
class JobArray:
    """What is to be run, the same for every backend; the jobs run in the current folder.

    Args:
        command: Words of the command; JOB in them becomes the number of the job.
        jobs: Number of jobs N.
        log: Log file; with more than one job it must contain JOB.
        num_threads: Threads (cores) per job.
        gpus: GPUs per job.
    """

    command: tuple[str, ...]
    jobs: int
    log: str
    num_threads: int = 1
    gpus: int = 0

    def __post_init__(self) -> None:
        if not self.command:
            raise ValueError("There is no command: write it after `--`, as in `-- python -m …`.")
        for name, least in (("jobs", 1), ("num_threads", 1), ("gpus", 0)):
            if getattr(self, name) < least:
                raise ValueError(
                    f"`{name}` must be at least {least}, but got {getattr(self, name)}."
                )
        if self.jobs > 1 and not _PLACE.search(self.log):
            raise ValueError(
                f"`log` must contain the word JOB, or {self.jobs} jobs would write into one file; "
                f"got {self.log!r}, write for example 'exp/log/decode.JOB.log'."
            )

    def numbers(self) -> range:
        """Return the numbers of the jobs, 1 … N."""
        return range(1, self.jobs + 1)

    def command_of(self, number: int) -> list[str]:
        """Return the command of one job."""
        return [_PLACE.sub(str(number), word) for word in self.command]

    def log_of(self, number: int) -> Path:
        """Return the log file of one job."""
        return Path(_PLACE.sub(str(number), self.log))

    def state_file(self, suffix: str) -> Path:
        """Return a path beside the logs for what a backend keeps, such as its batch script."""
        log = Path(_PLACE.sub("all", self.log))
        return log.with_name(f".{log.stem}{suffix}")

    def save(self, path: Path) -> None:
        """Write the array and the search paths of this machine for `load_job_array`."""
        environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        path.parent.mkdir(parents=True, exist_ok=True)
        write_json(path, {"array": asdict(self), "environment": environment})


def load_job_array(path: Path) -> tuple[JobArray, dict[str, str]]:
    """Read what `JobArray.save` wrote.

    Returns:
        The array, and the environment variables that its jobs are to get.

    Raises:
        OSError: If there is no such file.
        ValueError: If it is not as `JobArray.save` writes it.
    """
    content = read_json(path, "run_jobs", SAVED)
    array = content["array"]
    try:
        loaded = JobArray(**{**array, "command": tuple(array["command"])})
    except (TypeError, ValueError) as error:
        raise ValueError(f"{path} is not as run_jobs writes it: {error}.") from error
    return loaded, content["environment"]
