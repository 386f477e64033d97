"""Train a few steps on the largest mini-batches of a run, and measure the memory they take."""

import argparse
import resource
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from espnet2.iterators.abs_iter_factory import AbsIterFactory
from espnet2.iterators.sequence_iter_factory import SequenceIterFactory
from espnet2.tasks.abs_task import IteratorOptions
from torch.utils.data import DataLoader

from espnet_soups.task.balance.build_batches import build_batches
from espnet_soups.task.msp_task import MSPTask
from espnet_soups.task.union_sampler import UnionBatchSampler

OPTIMIZER_STEPS = 3  # the first allocates the optimiser's state, later ones need memory beside it
GIB = 2**30


class TrialEnds(Exception):  # noqa: N818 - not an error
    """Signal that validation would begin: a training step has allocated all that it needs."""


@dataclass(frozen=True)
class Largest:
    """Largest mini-batches of a training.

    Attributes:
        batches: Their utterance ids.
        smallest: Whether they cannot be smaller: two utterances of each language.
        whole: Whether they cannot be larger: each holds all data.
    """

    batches: list[list[str]]
    smallest: bool
    whole: bool


class ValidationOfTrial(SequenceIterFactory):
    """Iterator of validation that ends the trial instead."""

    def build_iter(self, epoch: int, shuffle: bool | None = None) -> DataLoader:
        """End the trial.

        Args:
            epoch: Not used.
            shuffle: Not used.

        Raises:
            TrialEnds: Always.
        """
        raise TrialEnds


class TrialTask(MSPTask):
    """Task whose epoch repeats the largest mini-batches of a training a few times."""

    started: ClassVar[Callable[[Largest], None]]

    @classmethod
    def build_sequence_iter_factory(
        cls, args: argparse.Namespace, iter_options: IteratorOptions, mode: str
    ) -> AbsIterFactory:
        """Build the largest mini-batches of a training, and a validation that ends the trial.

        Args:
            args: The options of the run.
            iter_options: ESPnet's options of the set.
            mode: `train` or `valid`.
        """
        batches = build_batches(args, iter_options, mode, rank=0, world_size=1)
        factory: type[SequenceIterFactory] = ValidationOfTrial
        if isinstance(batches, UnionBatchSampler):
            largest = find_largest(batches, args.seed + 1)
            cls.started(largest)
            factory = SequenceIterFactory
            batches = largest.batches * (OPTIMIZER_STEPS * args.accum_grad)
        return factory(
            dataset=cls.build_dataset(args, iter_options),
            batches=batches,
            seed=args.seed,
            num_workers=0,
            collate_fn=iter_options.collate_fn,
            pin_memory=args.ngpu > 0,
        )


def find_largest(sampler: UnionBatchSampler, seed: int) -> Largest:
    """Find the mini-batch with the most padded frames and the one with the longest utterance.

    Args:
        sampler: Sampler of a training.
        seed: Seed of an epoch; its longest utterances are those of every epoch.
    """
    frames = {
        key: length
        for data in sampler.data.values()
        for key, length in zip(data.keys, data.frames.tolist(), strict=True)
    }

    def longest(batch: Sequence[str]) -> int:
        return max(frames[key] for key in batch)

    batches = sampler.generate(seed)
    padded = max(batches, key=lambda batch: (longest(batch) * len(batch), len(batch)))
    long = max(batches, key=lambda batch: (longest(batch), len(batch)))
    least = sampler.smallest * len(sampler.data)
    return Largest(
        batches=[padded] if padded == long else [padded, long],
        smallest=max(len(batch) for batch in batches) <= least,
        whole=all(len(sizes) == 1 for sizes in sampler.sizes.values()),
    )


def limit_gpu(gib: float | None) -> None:
    """Limit the GPU memory that this process may allocate.

    Args:
        gib: The limit, GiB; None: nine tenths of what is free.
    """
    free, total = torch.cuda.mem_get_info()
    share = 0.9 * free / total if gib is None else gib * GIB / total
    torch.cuda.set_per_process_memory_fraction(min(share, 1.0))


def measured_gib(on_gpu: bool) -> float:
    """Return the largest memory that this process has held, GiB.

    Args:
        on_gpu: Whether to report the memory of its GPU, not the main memory.
    """
    if on_gpu:
        return torch.cuda.max_memory_reserved() / GIB
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20  # from KiB
