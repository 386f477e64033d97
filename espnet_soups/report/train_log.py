"""Reading of ESPnet's train.log: losses and time of each epoch, parameters."""

import re
from dataclasses import dataclass, field
from pathlib import Path

EPOCH = re.compile(r"\b(\d{1,9})epoch results: (.*)")
SECTION = re.compile(r"\[(\w+)\] ")
VALUE = re.compile(r"(?:^|, )([^\s,=]+)=([-+\w.]+)(?=,|$)")
DURATION = re.compile(r"(?:^|, )time=(.*?)(?=, [^\s,=]+=|, *$|$)")
AMOUNT = re.compile(r"(\d+(?:\.\d*)?) (second|minute|hour|day|week)s?")
SECONDS = {"second": 1.0, "minute": 60.0, "hour": 3600.0, "day": 86400.0, "week": 604800.0}
PARAMETERS = re.compile(r"Number of trainable parameters: (\d{1,15}(?:\.\d*)?) ?([KMBT]?)\b")
THREADS = re.compile(r"# threads (\d{1,9}), GPUs ")
CHOSEN = re.compile(r" INFO: Threads: (\d{1,9}), of ")  # by the load, in each epoch
HOST = re.compile(r"# started at \S+ \S+ \S+ on (\S+) in ")
SCALES = {"": 1.0, "K": 1e3, "M": 1e6, "B": 1e9, "T": 1e12}


@dataclass
class TrainLog:
    """Content of a train.log and of its rotated predecessors.

    Attributes:
        seconds: Training time of each epoch, s, by epoch.
        values: `values[section][epoch][name]`, with the sections `train` and `valid`.
        parameters: Number of trainable parameters, to the three digits that ESPnet writes; None if
            the log has none.
        threads: Threads of each process, from the head of the last log; None if it has none.
        chosen: Numbers of threads of the epochs, if they followed the load of the machine.
        host: Name of the machine; None if the log has none.
    """

    seconds: dict[int, float] = field(default_factory=dict)
    values: dict[str, dict[int, dict[str, float]]] = field(default_factory=dict)
    parameters: int | None = None
    threads: int | None = None
    chosen: set[int] = field(default_factory=set)
    host: str | None = None


def read_train_log(exp_dir: Path) -> TrainLog:
    """Read `train.log`, and before it `train.1.log`, `train.2.log`, …, left by ESPnet's launcher.

    For an epoch that was trained twice, the later log counts.

    Args:
        exp_dir: Folder of the experiment.
    """
    rotated = [
        (int(match.group(1)), path)
        for path in exp_dir.glob("train.*.log")
        if (match := re.fullmatch(r"train\.(\d+)\.log", path.name))
    ]
    paths = [path for _, path in sorted(rotated, reverse=True)]
    if (exp_dir / "train.log").is_file():
        paths.append(exp_dir / "train.log")
    log = TrainLog()
    for path in paths:
        # A log may contain output of other programs in other encodings; no number depends on it.
        for line in path.read_text(encoding="utf-8", errors="replace").split("\n"):
            _read_line(line, log)
    return log


def parse_duration(text: str) -> float:
    """Return a time span in ESPnet's format in s.

    Args:
        text: The time span, such as `1 minute and 2.5 seconds`.

    >>> parse_duration("1 minute and 2.5 seconds")
    62.5
    """
    return sum(float(number) * SECONDS[unit] for number, unit in AMOUNT.findall(text))


def _read_line(line: str, log: TrainLog) -> None:
    if match := PARAMETERS.search(line):
        log.parameters = round(float(match.group(1)) * SCALES[match.group(2)])
    if match := THREADS.match(line):
        log.threads = int(match.group(1))
    if match := CHOSEN.search(line):
        log.chosen.add(int(match.group(1)))
    if match := HOST.match(line):
        log.host = match.group(1)
    match = EPOCH.search(line)
    if match is None:
        return
    epoch = int(match.group(1))
    parts = SECTION.split(match.group(2))[1:]
    for section, content in zip(parts[::2], parts[1::2], strict=True):
        content = content.rstrip(", ")
        values = {name: _number(word) for name, word in VALUE.findall(content)}
        log.values.setdefault(section, {})[epoch] = {
            name: value for name, value in values.items() if value is not None
        }
        duration = DURATION.search(content)
        if section == "train" and duration:
            log.seconds[epoch] = parse_duration(duration.group(1))


def _number(word: str) -> float | None:
    try:
        return float(word)
    except ValueError:
        return None
