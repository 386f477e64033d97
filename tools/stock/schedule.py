"""Audio of each language in joint training, and steps of stock ESPnet that see as much."""

import argparse
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from espnet2.iterators.sequence_iter_factory import SequenceIterFactory
from espnet2.samplers.build_batch_sampler import build_batch_sampler

from espnet_soups.data.lengths import read_shapes
from espnet_soups.task.balance.batch_type import BY_BINS
from espnet_soups.task.balance.build_batches import build_batches
from tools.stock.prepared import Prepared


@dataclass(frozen=True)
class JointAudio:
    """Audio that joint training sees.

    Attributes:
        steps: Number of mini-batches of all epochs.
        epochs: Number of epochs.
        frames: Frames (or samples) of each language, without padding.
    """

    steps: int
    epochs: int
    frames: dict[str, int]


@dataclass(frozen=True)
class Schedule:
    """Mini-batches of a stock training.

    Attributes:
        batch_bins: ESPnet's limit of a mini-batch.
        steps_per_epoch: Number of mini-batches of an epoch.
        epochs: Number of epochs.
        frames: Frames (or samples) that they hold, without padding.
        wanted: Frames that they should hold.
    """

    batch_bins: int
    steps_per_epoch: int
    epochs: int
    frames: int
    wanted: int

    @property
    def steps(self) -> int:
        """Number of mini-batches of all epochs."""
        return self.steps_per_epoch * self.epochs

    def record(self) -> dict[str, Any]:
        """Return the values for a JSON file."""
        return asdict(self) | {"steps": self.steps}


def audio_of_joint(args: argparse.Namespace, prepared: Prepared) -> JointAudio:
    """Count the audio of every language that joint training sees, by its own sampler.

    Args:
        args: Options of `msp_train` with the training configuration; `seed` counts, too.
        prepared: The recipe.

    Raises:
        ValueError: If mini-batches are not limited by audio.
    """
    if args.batch_type not in BY_BINS:
        raise ValueError(
            f"`batch_type` must be one of {list(BY_BINS)}, so that audio can be made equal, but is"
            f" {args.batch_type!r}."
        )
    options: Any = argparse.Namespace(
        data_path_and_name_and_type=[(str(prepared.train / "utt2lang"), "lang", "text")],
        shape_files=[str(prepared.statistics / "train" / "speech_shape")],
        batch_type=args.batch_type,
        batch_bins=args.batch_bins,
    )
    sampler = build_batches(args, options, "train", 0, 1)
    shapes = prepared.shapes("train")
    spoken = {key: name for name, own in sampler.data.items() for key in own.keys}  # type: ignore
    seen = dict.fromkeys(prepared.languages, 0)
    epochs = count_seen(sampler, args.seed, args.max_epoch, args.num_iters_per_epoch)
    for key, times in epochs.items():
        seen[spoken[key]] += times * shapes[key][0]
    steps = (args.num_iters_per_epoch or len(sampler)) * args.max_epoch
    return JointAudio(steps, args.max_epoch, seen)


def count_seen(batches: Any, seed: int, epochs: int, steps_per_epoch: int | None) -> dict[str, int]:
    """Count how often ESPnet's iterator draws each utterance.

    Args:
        batches: A sampler, or a list of mini-batches.
        seed: Seed of the run.
        epochs: Number of epochs.
        steps_per_epoch: Mini-batches of an epoch; None: all.
    """
    factory = SequenceIterFactory([], batches, steps_per_epoch, seed, shuffle=True)
    counts: dict[str, int] = {}
    for epoch in range(1, epochs + 1):
        for batch in factory.build_iter(epoch).batch_sampler or ():
            for key in batch:
                counts[key] = counts.get(key, 0) + 1
    return counts


def fit_schedule(
    shape_file: Path, batch_type: str, frames: int, steps: int, epochs: int, seed: int
) -> Schedule:
    """Choose mini-batches and steps of ESPnet's own sampler that see a given amount of audio.

    The limit is chosen so that about the wanted number of steps is needed; what remains of the
    difference, steps make up for.

    Args:
        shape_file: Shapes of the training utterances.
        batch_type: `numel` or `length`.
        frames: Frames (or samples) to see.
        steps: Wanted number of steps.
        epochs: Number of epochs.
        seed: Seed of the run.

    Raises:
        ValueError: If there are fewer steps than epochs.
    """
    if steps < epochs:
        raise ValueError(f"{steps} steps cannot fill {epochs} epochs (`max_epoch`): raise one.")
    lengths = {key: shape[0] for key, shape in read_shapes(shape_file).items()}
    total = sum(lengths.values())
    pass_batches = max(1, round(total * steps / frames))
    batch_bins = find_limit(shape_file, batch_type, pass_batches)
    batches = list(_sampler(shape_file, batch_type, batch_bins))
    per_epoch = max(1, round(frames * len(batches) / total / epochs))
    seen = count_seen(batches, seed, epochs, per_epoch)
    amount = sum(times * lengths[key] for key, times in seen.items())
    return Schedule(batch_bins, per_epoch, epochs, amount, frames)


def find_limit(shape_file: Path, batch_type: str, batches: int) -> int:
    """Return the smallest `batch_bins` with which a pass has at most a number of mini-batches.

    Args:
        shape_file: Shapes of the utterances.
        batch_type: `numel` or `length`.
        batches: The number.
    """
    shapes = read_shapes(shape_file)
    low, high = 1, sum(shape[0] * max(1, *shape[1:], 1) for shape in shapes.values()) * len(shapes)
    while low < high:
        middle = (low + high) // 2
        if len(_sampler(shape_file, batch_type, middle)) <= batches:
            high = middle
        else:
            low = middle + 1
    return low


def _sampler(shape_file: Path, batch_type: str, batch_bins: int) -> Any:
    return build_batch_sampler(
        type=batch_type, batch_size=0, batch_bins=batch_bins, shape_files=[str(shape_file)]
    )


def scale_steps(options: Mapping[str, Any], steps: int, of: int) -> dict[str, Any]:
    """Return options of a scheduler with its numbers of steps (`…_steps`) scaled.

    Args:
        options: The options.
        steps: Steps of this training.
        of: Steps of the training that they were written for.

    >>> scale_steps({"total_steps": 600, "pct_start": 0.15}, 590, 600)
    {'total_steps': 590, 'pct_start': 0.15}
    """
    return {
        name: round(value * steps / of) if name.endswith("_steps") else value
        for name, value in options.items()
    }
