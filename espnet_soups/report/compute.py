"""Hardware of a training, without which its time means little."""

import socket
from collections.abc import Mapping
from typing import Any

from espnet_soups.report.train_log import TrainLog


def describe_compute(config: Mapping[str, Any], log: TrainLog) -> dict[str, Any]:
    """Return threads, processes and GPUs of a training.

    Args:
        config: ESPnet's config.yaml, written by the first process.
        log: The training's train.log, whose head has threads and host.

    Returns:
        `threads` of each process (None if unknown), the largest and the `fewest_threads` if they
        followed the load of the machine, `processes`, `gpus` of all processes, and whether it ran
        on `this_machine` (None if unknown).
    """
    processes = int(config.get("dist_world_size") or 1)
    return {
        "threads": max(log.chosen, default=log.threads),
        "fewest_threads": min(log.chosen, default=log.threads),
        "processes": processes,
        "gpus": int(config.get("ngpu") or 0) * processes,
        "this_machine": None if log.host is None else log.host == socket.gethostname(),
    }


def compute_text(compute: Mapping[str, Any] | None) -> str:
    """Return a short description of the hardware of a training.

    Args:
        compute: The result of `describe_compute`; None if unknown.

    >>> compute_text({"threads": 2, "processes": 1, "gpus": 0})
    '2 threads'
    >>> compute_text({"threads": 4, "processes": 2, "gpus": 2})
    '2 GPUs'
    >>> compute_text({"threads": 1, "processes": 2, "gpus": 0})
    '2 processes of 1 thread'
    >>> compute_text({"threads": 8, "fewest_threads": 3, "processes": 1, "gpus": 0})
    '3 to 8 threads'
    >>> compute_text(None)
    'threads not known'
    """
    if compute is None:
        return "threads not known"
    if compute["gpus"]:
        return _count(compute["gpus"], "GPU")
    threads = compute["threads"]
    own = "threads not known" if threads is None else _count(threads, "thread")
    fewest = compute.get("fewest_threads", threads)  # earlier releases knew no other number
    if fewest != threads:
        own = f"{fewest} to {own}"
    if compute["processes"] == 1:
        return own
    joint = _count(compute["processes"], "process", "es")
    return f"{joint}, {own}" if threads is None else f"{joint} of {own}"


def environment_rows(
    environment: Mapping[str, Any], compute: Mapping[str, Any] | None
) -> list[tuple[str, str]]:
    """Return the origin of a result as names and texts.

    Args:
        environment: The result of `describe_environment`; results of earlier releases lack `gpus`.
        compute: The result of `describe_compute`; None if unknown.
    """
    usable, total = environment["cpus_usable"], environment["cpus"]
    cpus = f"{total} CPUs" if usable in (None, total) else f"{usable} of {total} CPUs"
    rows = [("date", environment["date"]), ("python version", environment["python"])]
    rows += [
        (f"{name} version", environment[name] or "not installed")
        for name in ("espnet-soups", "espnet", "torch", "torchjd", "jiwer", "sacrebleu")
    ]
    rows.append(("Git hash", environment["git"] or "none (not run from a git checkout)"))
    gpus = environment.get("gpus")
    found = gpus or []
    names = [f"{found.count(name)} × {name}" for name in dict.fromkeys(found)]
    hardware = [environment["cpu"], cpus, environment["system"], *names]
    if gpus == []:
        hardware.append("no GPU")
    rows.append(("hardware", ", ".join(hardware)))
    elsewhere = compute is not None and compute["this_machine"] is False
    where = ", on another machine than this report was made on" if elsewhere else ""
    return [*rows, ("trained on", compute_text(compute) + where)]


def _count(number: int, noun: str, plural: str = "s") -> str:
    return f"{number} {noun}{plural if number > 1 else ''}"
