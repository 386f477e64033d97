"""Run a command N times at once, here, by Slurm or over ssh, each with a log of its own."""

import argparse
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import FrameType

from espnet_soups.bin.command import end_with_parent, run_command
from espnet_soups.jobs.job_array import JobArray
from espnet_soups.jobs.job_log import rotate
from espnet_soups.jobs.local import run_local
from espnet_soups.jobs.progress import Progress, failure_text
from espnet_soups.jobs.slurm import read_slurm_options, run_slurm
from espnet_soups.jobs.ssh import run_ssh


def get_parser() -> argparse.ArgumentParser:
    """Return the options."""
    parser = argparse.ArgumentParser(
        prog="python -m espnet_soups.bin.run_jobs",
        usage="%(prog)s [options] --log LOG -- command … JOB …",
        description="Runs a command N times, the word JOB in it and in the log's name replaced by "
        "1 … N. When jobs fail, the ends of their logs are shown and the exit status is 1.",
    )
    parser.add_argument(
        "--backend", choices=("local", "slurm", "ssh"), default="local", help="default: local"
    )
    parser.add_argument("--log", required=True, help="log file; contains JOB if there are several")
    parser.add_argument("--jobs", type=int, default=1, help="number of jobs N (default: 1)")
    parser.add_argument(
        "--num_threads", type=int, default=1, help="threads (cores) per job (default: 1)"
    )
    parser.add_argument("--gpus", type=int, default=0, help="GPUs per job (default: 0)")
    parser.add_argument(
        "--max_parallel",
        type=int,
        help="jobs at once (default: what cores or GPUs allow; slurm, ssh: no limit of ours)",
    )
    parser.add_argument(
        "--end_with_parent",
        action="store_true",
        help="end the jobs when the script that started this is killed",
    )
    slurm = parser.add_argument_group("Slurm (sbatch's own SBATCH_… variables work too)")
    slurm.add_argument("--slurm_conf", default="conf/slurm.conf", help="default: %(default)s")
    slurm.add_argument("--time", help="time limit, as sbatch --time")
    slurm.add_argument("--partition", help="partition, as sbatch --partition")
    slurm.add_argument("--mem", help="memory per node, as sbatch --mem")
    ssh = parser.add_argument_group("ssh (the same folders everywhere, no password)")
    ssh.add_argument(
        "--machines",
        default=".queue/machines",
        help="lines 'host [jobs at once]' (default: %(default)s)",
    )
    parser.add_argument("command", nargs="+", help="the command and its arguments, after --")
    return parser


def main(arguments: Sequence[str] | None) -> None:
    """Run the jobs; exit with status 1 if one failed, 130 or 143 if interrupted; see `get_parser`.

    Args:
        arguments: Words of the command line; None: those of this process.

    Raises:
        ValueError: If an option is not valid.
        OSError: If the backend cannot start the jobs.
    """
    # shells start background commands with Ctrl-C ignored, and SIGTERM would skip all clean-up
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    args = get_parser().parse_args(arguments)
    if args.max_parallel is not None and args.max_parallel < 1:
        raise ValueError(f"`max_parallel` must be at least 1, but got {args.max_parallel}.")
    if args.end_with_parent:
        end_with_parent()
    array = JobArray(tuple(args.command), args.jobs, args.log, args.num_threads, args.gpus)
    if array.jobs == 1:
        rotate(array.log_of(1))  # a training that resumes keeps its earlier logs
    statuses = _run(array, args)
    text = failure_text(array, statuses)
    if text:
        print(text, file=sys.stderr)
        sys.exit(1)


def _run(array: JobArray, args: argparse.Namespace) -> Mapping[int, int | None]:
    progress = Progress(array.jobs, sys.stderr)
    if args.backend == "local":
        return run_local(array, args.max_parallel, progress)
    if args.backend == "ssh":
        return run_ssh(array, Path(args.machines), args.max_parallel, progress)
    options = read_slurm_options(Path(args.slurm_conf), array.gpus)
    for name in ("time", "partition", "mem"):
        if getattr(args, name):
            options.append(f"--{name}={getattr(args, name)}")
    return run_slurm(array, options, args.max_parallel, progress)


def _interrupt(number: int, _frame: FrameType | None) -> None:
    print(f"run_jobs: {signal.Signals(number).name}, ending the jobs", file=sys.stderr)
    sys.exit(128 + number)


if __name__ == "__main__":
    run_command(main)
