"""Describe a command that runs N times, the word JOB replaced by 1 … N, as in Kaldi's run.pl."""

import os
import re
from dataclasses import asdict, dataclass
from pathlib import Path

from espnet_soups.files import read_json, write_json

# matches in `decode.JOB.log` and `split_JOB`, not in `JOBS`
_PLACE = re.compile(r"(?<![A-Za-z0-9])JOB(?![A-Za-z0-9])")

# a job on another machine needs these to find the same programs; no other variable is sent
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
    """Jobs to run, described alike for every backend; they run in the current folder.

    Args:
        command: Words of the command; JOB in them becomes the number of the job.
        jobs: Number of jobs N.
        log: Log file; with more than one job it must contain JOB.
        num_threads: Threads (cores) per job.
        gpus: GPUs per job.

    Raises:
        ValueError: If there is no command, a number is too small, or several jobs would share a
            log.
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
        """Return the command of one job.

        Args:
            number: The job, from 1.
        """
        return [_PLACE.sub(str(number), word) for word in self.command]

    def log_of(self, number: int) -> Path:
        """Return the log file of one job.

        Args:
            number: The job, from 1.
        """
        return Path(_PLACE.sub(str(number), self.log))

    def state_file(self, suffix: str) -> Path:
        """Return a hidden path beside the logs for a file of a backend, such as its batch script.

        Args:
            suffix: End of the name, such as `.sbatch`.
        """
        log = Path(_PLACE.sub("all", self.log))
        return log.with_name(f".{log.stem}{suffix}")

    def save(self, path: Path) -> None:
        """Write the array and the search paths of this machine for `load_job_array`.

        Args:
            path: The JSON file to write.

        Raises:
            OSError: If it cannot be written.
        """
        environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        path.parent.mkdir(parents=True, exist_ok=True)
        write_json(path, {"array": asdict(self), "environment": environment})


def load_job_array(path: Path) -> tuple[JobArray, dict[str, str]]:
    """Read a file that `JobArray.save` wrote.

    Args:
        path: The file.

    Returns:
        The array, and the environment variables for its jobs.

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
