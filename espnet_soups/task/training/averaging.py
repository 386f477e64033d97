"""Average the best epochs of a run at any time, while it trains or after it was stopped."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from espnet2.main_funcs.average_nbest_models import average_nbest_models
from espnet2.train.reporter import Reporter

from espnet_soups.files import read_yaml, whole_file
from espnet_soups.task.training.model_file import (
    check_tensors,
    check_whole,
    load_tensors,
    read_states,
)

Epochs = list[tuple[int, float]]
ADVICE = "Take it away, or train again."

SHAPE = {"keep_nbest_models": int | list[int], "best_model_criterion": list[list[str]]}


@dataclass(frozen=True)
class Average:
    """An averaged model.

    Attributes:
        path: The file.
        criterion: Criterion by which the best epochs were chosen, e.g. `valid.acc`.
        epochs: (epoch, value of the criterion), best first.
    """

    path: Path
    criterion: str
    epochs: tuple[tuple[int, float], ...]


def average_best_epochs(exp_dir: Path, nbest: int = 0) -> list[Average]:
    """Average the best epochs by each criterion of the training configuration, as ESPnet does.

    Args:
        exp_dir: Folder that training wrote.
        nbest: Number of epochs; 0: the largest of `keep_nbest_models`. Fewer are averaged if the
            run has fewer or ESPnet has deleted the others.

    Returns:
        The averaged models; `<criterion>.ave.pth` links to each.

    Raises:
        OSError: If the run has no checkpoint, or the best epoch is gone.
        ValueError: If no criterion has a value, or a file is cut short or of another model.
    """
    checkpoint = exp_dir / "checkpoint.pth"
    if not checkpoint.exists():
        raise FileNotFoundError(f"{checkpoint} does not exist: train at least one epoch (stage 9).")
    config = read_yaml(exp_dir / "config.yaml", "the configuration of the run", SHAPE)
    reporter = Reporter()
    reporter.load_state_dict(read_states(checkpoint)["reporter"])
    kept = config["keep_nbest_models"]
    wanted = nbest or max([kept] if isinstance(kept, int) else kept)
    averages = []
    for phase, key, mode in config["best_model_criterion"]:
        if not reporter.has(phase, key):
            continue
        ranked = reporter.sort_epochs_and_values(phase, key, mode)[:wanted]
        chosen = _choose(exp_dir, ranked, f"{phase}.{key}")
        _average(exp_dir, reporter, (phase, key, mode), [epoch for epoch, _ in chosen])
        path = exp_dir / f"{phase}.{key}.ave.pth"
        averages.append(Average(path, f"{phase}.{key}", tuple(chosen)))
    if not averages:
        raise ValueError(
            f"None of `best_model_criterion` {config['best_model_criterion']} has a value in"
            f" {checkpoint}: name a statistic that training reports, e.g. [valid, loss, min]."
        )
    return averages


def _average(
    exp_dir: Path, reporter: Reporter, criterion: tuple[str, str, str], epochs: Sequence[int]
) -> None:
    paths = [exp_dir / f"{epoch}epoch.pth" for epoch in epochs]
    for path in paths:
        check_whole(path)
    try:
        average_nbest_models(exp_dir, reporter, [criterion], len(paths))
    except (RuntimeError, LookupError, TypeError, AttributeError):
        check_epochs(paths)
        raise
    if len(paths) == 1:
        _replace_link(exp_dir / f"{criterion[0]}.{criterion[1]}.ave_1best.pth")


def _choose(exp_dir: Path, ranked: Epochs, criterion: str) -> Epochs:
    """Return the best epochs up to the first that ESPnet has deleted.

    Raises:
        FileNotFoundError: If the best one is gone.
    """
    there = [(exp_dir / f"{epoch}epoch.pth").exists() for epoch, _ in ranked]
    if not there[0]:
        raise FileNotFoundError(
            f"{exp_dir} lacks the best epoch by {criterion} ({ranked[0][0]}epoch.pth): train again."
        )
    return ranked[: there.index(False)] if False in there else ranked


def check_epochs(paths: Sequence[Path]) -> None:
    """Refuse models of epochs that cannot be averaged.

    Args:
        paths: The files.

    Raises:
        ValueError: If a file is cut short or damaged, or is of another model than the first.
    """
    first = load_tensors(paths[0])
    for path in paths[1:]:
        check_tensors(load_tensors(path), first, str(path), ADVICE)


def _replace_link(path: Path) -> None:
    """Replace a link to the only epoch by a file, like the average of several epochs.

    ESPnet removes the epoch once others are better, and model.zip would hold it under its own name.
    """
    with whole_file(path) as temporary:
        shutil.copyfile(path, temporary)
