"""Join options of training that several places set: the file, a row or an arm, the command line."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

TRAIN, PRETRAIN = "train_args", "pretrain_args"


@dataclass(frozen=True)
class TrainWords:
    """Options of msp_train of all runs, apart from other options of run.sh.

    run.sh takes the last of two `--train_args`: they must be joined, or one of them is lost.

    Attributes:
        train: Words of `--train_args`.
        pretrain: Words of `--pretrain_args`.
        options: The other options of the file, as words.
        more: The other words of the command line.
    """

    train: str
    pretrain: str
    options: tuple[str, ...]
    more: tuple[str, ...]


def split_train_words(options: Mapping[str, str], more: Sequence[str] = ()) -> TrainWords:
    """Split options of run.sh.

    Args:
        options: Those of the file, by name.
        more: Further words of the command line.

    >>> split_train_words({"soup": "vs", "train_args": "--a 1"}, ["--train-args", "--b 2", "-x"])
    TrainWords(train='--a 1 --b 2', pretrain='', options=('--soup', 'vs'), more=('-x',))
    """
    found = {name: [options[name]] if name in options else [] for name in (TRAIN, PRETRAIN)}
    words = [
        word
        for name, value in options.items()
        if name not in found
        for word in (f"--{name}", value)
    ]
    others: list[str] = []
    rest = iter(more)
    for word in rest:
        name, sign, value = word.partition("=")
        name = name.removeprefix("--").replace("-", "_")
        if word.startswith("--") and name in found:
            found[name].append(value if sign else next(rest, ""))
        else:
            others.append(word)
    train, pretrain = (" ".join(filter(None, own)) for own in found.values())
    return TrainWords(train, pretrain, tuple(words), tuple(others))


def read_words(words: Sequence[str]) -> dict[str, str]:
    """Return options by name, as run.sh and msp_train read them: of several values the last.

    Args:
        words: Words of a command, without its name.

    >>> read_words(["--penalty=0.1", "--stop-stage", "3", "--resample", "--penalty", "0.2"])
    {'penalty': '0.2', 'stop_stage': '3', 'resample': 'true'}
    """
    found = {}
    for word, following in itertools.pairwise([*words, "--"]):
        name, sign, value = word.partition("=")
        if name.startswith("--"):
            alone = "true" if following.startswith("--") else following
            found[name.removeprefix("--").replace("-", "_")] = value if sign else alone
    return found
