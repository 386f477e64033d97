"""Averages the best epochs of a run, at any time: also while it trains, or after it was stopped."""

from dataclasses import dataclass
from pathlib import Path

from espnet2.main_funcs.average_nbest_models import average_nbest_models
from espnet2.torch_utils.safe_torch_load import safe_torch_load
from espnet2.train.reporter import Reporter

from espnet_soups.files import read_yaml

SHAPE = {"keep_nbest_models": int | list[int], "best_model_criterion": list[list[str]]}


@dataclass(frozen=True)
class Average:
    """An averaged model.

    Attributes:
        path: The file.
        criterion: What the best epochs were chosen by, e.g. `valid.acc`.
        epochs: (epoch, value of the criterion), best first.
    """

    path: Path
    criterion: str
    epochs: tuple[tuple[int, float], ...]


def average_best_epochs(exp_dir: Path, nbest: int = 0) -> list[Average]:
    """Averages the best epochs by each criterion of the training configuration, as ESPnet does.

    Args:
        exp_dir: Folder that training wrote.
        nbest: How many epochs; 0: the largest of `keep_nbest_models`. Fewer are taken where the run
            has fewer or ESPnet has deleted the others.

    Returns:
        The averaged models; `<criterion>.ave.pth` links to each.

    Raises:
        OSError: If the run has no checkpoint, or the epochs are gone.
        ValueError: If no criterion has a value.
    """
    checkpoint = exp_dir / "checkpoint.pth"
    if not checkpoint.exists():
        raise FileNotFoundError(f"{checkpoint} does not exist: train at least one epoch (stage 9).")
    config = read_yaml(exp_dir / "config.yaml", "the configuration of the run", SHAPE)
    reporter = Reporter()
    reporter.load_state_dict(safe_torch_load(checkpoint, map_location="cpu")["reporter"])
    kept = config["keep_nbest_models"]
    wanted = nbest or max([kept] if isinstance(kept, int) else kept)
    averages = []
    for phase, key, mode in config["best_model_criterion"]:
        if not reporter.has(phase, key):
            continue
        ranked = reporter.sort_epochs_and_values(phase, key, mode)[:wanted]
        there = [pair for pair in ranked if (exp_dir / f"{pair[0]}epoch.pth").exists()]
        if not there:
            raise FileNotFoundError(
                f"{exp_dir} has none of the best epochs by {phase}.{key}"
                f" ({', '.join(f'{epoch}epoch.pth' for epoch, _ in ranked)}): train again."
            )
        count = next((i for i, pair in enumerate(ranked) if pair not in there), len(ranked))
        average_nbest_models(exp_dir, reporter, [(phase, key, mode)], max(count, 1))
        path = exp_dir / f"{phase}.{key}.ave.pth"
        averages.append(Average(path, f"{phase}.{key}", tuple(ranked[: max(count, 1)])))
    if not averages:
        raise ValueError(
            f"None of `best_model_criterion` {config['best_model_criterion']} has a value in"
            f" {checkpoint}: name a statistic that training reports, e.g. [valid, loss, min]."
        )
    return averages
