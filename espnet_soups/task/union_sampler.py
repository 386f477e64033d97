"""Sample mini-batches in which every language is present."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from espnet2.samplers.abs_sampler import AbsSampler

from espnet_soups.task.balance.batch_type import BatchType
from espnet_soups.task.balance.fit_shares import fit_shares, missed_shares
from espnet_soups.task.balance.shares import share_languages
from espnet_soups.task.balance.weighted_draw import WeightedDraw

NUMEL = BatchType()
LENGTH_JITTER = 0.1  # utterances of about the same length change neighbours from epoch to epoch


@dataclass(frozen=True)
class LanguageData:
    """Utterances of one language.

    Attributes:
        keys: Utterance ids.
        frames: Frames (or samples) of each utterance, `(N,)`.
        width: Numbers per frame: the feature dimension, 1 for samples.
        datasets: Corpus of each utterance, N of them; empty: there is no `utt2dataset`.
    """

    keys: tuple[str, ...]
    frames: np.ndarray
    width: int
    datasets: tuple[str, ...] = ()


class UnionBatchSampler(AbsSampler):
    """Sampler of mini-batches that are the union of one mini-batch per language.

    Inside a language, utterances of similar length are put together up to a share of `size`
    (counted as `batch_type` counts; since neighbours in length change from epoch to epoch, a
    mini-batch may exceed it by a tenth; `unsorted` puts any together). Across languages,
    mini-batches are paired by the rank of their length, so that little is padded. Languages with
    fewer mini-batches are cycled, each time drawn anew. The batches of an epoch follow from its
    seed alone: every rank draws the same ones, then takes its own part of every language, and a
    resumed run needs no state of the sampler.

    Args:
        data: The utterances of each language.
        size: Size of a whole mini-batch, over all languages: `batch_bins` or `batch_size`.
        alpha: Share of a language ~ (its utterances)^alpha: 0 gives all languages equal shares, 1
            natural ones.
        rank: Number of this process.
        world_size: Number of processes.
        batch_type: Unit of `size`.
        shares: Share of some languages or of all; `alpha` divides the rest.
        dataset_weights: How often an utterance of a corpus occurs, relative to those of weight 1 of
            its language.

    Raises:
        ValueError: If a language has fewer utterances than each rank needs (two), or draws fewer.
    """

    def __init__(
        self,
        data: Mapping[str, LanguageData],
        size: int,
        alpha: float = 0.0,
        rank: int = 0,
        world_size: int = 1,
        *,
        batch_type: BatchType = NUMEL,
        shares: Mapping[str, float] | None = None,
        dataset_weights: Mapping[str, float] | None = None,
    ) -> None:
        self.data = dict(data)
        self.smallest = 2 * world_size
        self.rank = rank
        self.world_size = world_size
        self.batch_type = batch_type
        weights = dataset_weights or {}
        self.draws = {name: self._weigh(name, weights) for name in self.data}
        counts = {name: len(value.keys) for name, value in self.data.items()}
        self._check_size(size)
        self.limits = self._divide(size, counts, alpha, shares or {})
        self.sizes = {name: self._cut(name, self.limits) for name in self.data}
        self.steps = max(
            round(len(sizes) * counts[name] / self.draws[name].number)
            for name, sizes in self.sizes.items()
        )

    def __len__(self) -> int:
        """Return the number of mini-batches of an epoch, the same for every epoch."""
        return self.steps

    def __iter__(self):
        """Iterate over the mini-batches of epoch 0."""
        return iter(self.generate(0))

    def __repr__(self) -> str:
        """Return the number of mini-batches and of utterances per language."""
        sizes = {name: len(value.keys) for name, value in self.data.items()}
        return f"{type(self).__name__}(steps={self.steps}, utterances={sizes})"

    def generate(self, seed: int) -> list[list[str]]:
        """Draw the mini-batches of one epoch, short ones first.

        Args:
            seed: Seed of the run plus the epoch.

        Returns:
            Utterance ids of each mini-batch of this rank, grouped by language in sorted order.
        """
        columns = []
        for position, language in enumerate(sorted(self.data)):
            random = np.random.RandomState((seed * 1009 + position) % 2**32)
            columns.append(self._column(language, random))
        return [
            [key for part in parts for key in part[self.rank :: self.world_size]]
            for parts in zip(*columns, strict=True)
        ]

    def _column(self, language: str, random: np.random.RandomState) -> list[tuple[str, ...]]:
        """Draw exactly `steps` mini-batches of a language, sorted by length."""
        drawn: list[list[int]] = []
        while len(drawn) < self.steps:
            batches = self._draw(language, random)
            random.shuffle(batches)
            drawn += batches[: self.steps - len(drawn)]
        utterances = self.data[language]
        if self.batch_type.sorts:
            drawn.sort(key=lambda rows: int(utterances.frames[rows].max()))
        return [tuple(utterances.keys[row] for row in rows) for rows in drawn]

    def _draw(self, language: str, random: np.random.RandomState) -> list[list[int]]:
        """Deal a pass over a language into mini-batches; no utterance occurs twice."""
        frames = self.data[language].frames
        noise = 1.0 + LENGTH_JITTER * random.uniform(-1.0, 1.0, len(frames))
        order = self.draws[language].draw(noise, random)
        if not self.batch_type.sorts:
            random.shuffle(order)
        ends = np.cumsum(self.sizes[language])
        return [part.tolist() for part in np.split(order, ends[:-1])]

    def _divide(
        self, size: int, counts: Mapping[str, int], alpha: float, shares: Mapping[str, float]
    ) -> dict[str, float]:
        """Return the limit of each language in a mini-batch.

        Shares that are asked for are fitted; the log names those that are missed.
        """
        powers = {name: count**alpha for name, count in counts.items()}
        if not shares:
            return {name: size * p / sum(powers.values()) for name, p in powers.items()}
        asked = share_languages(powers, shares)
        limits = fit_shares(asked, size, self.reached)
        found = self.reached(limits)
        for name in missed_shares(asked, found) if self.rank == 0 else []:
            logging.warning(
                f"`language_shares`: {name} has {found[name]:.3f} of a mini-batch in place of"
                f" {asked[name]:.3f}, since it is cut into whole utterances, at least"
                f" {self.smallest} of each language: raise `{self.batch_type.limit}`."
            )
        return limits

    def _cut(self, language: str, limits: Mapping[str, float]) -> list[int]:
        """Return the sizes of a language's mini-batches.

        They are the same in every epoch, so that an epoch has room for all of them.
        """
        lengths, width = self.draws[language].longest(), self.data[language].width
        sizes = [0]
        for load in self.batch_type.loads(lengths, width).tolist():
            if sizes[-1] >= self.smallest and load * (sizes[-1] + 1) > limits[language]:
                sizes.append(0)
            sizes[-1] += 1
        if len(sizes) > 1 and sizes[-1] < self.smallest:
            remainder = sizes.pop()
            sizes[-1] += remainder
        return sizes

    def _weigh(self, language: str, weights: Mapping[str, float]) -> WeightedDraw:
        """Return the draw of a language."""
        data = self.data[language]
        if len(data.keys) < self.smallest:
            raise ValueError(
                f"Language {language} has {len(data.keys)} training utterances, but"
                f" every mini-batch needs at least {self.smallest} (two per rank)."
            )
        chances = [float(weights.get(name, 1.0)) for name in data.datasets] or [1.0] * len(
            data.keys
        )
        draw = WeightedDraw(np.array(chances), data.frames)
        if draw.number < self.smallest:
            raise ValueError(
                f"`dataset_weights` draw {draw.number} utterances of language {language} in a pass,"
                f" but every mini-batch needs at least {self.smallest} (two per rank): raise the"
                " lower weights."
            )
        return draw

    def _check_size(self, size: int) -> None:
        """Refuse a number of utterances that cannot hold every language."""
        least = self.smallest * len(self.data)
        if self.batch_type.name in ("sorted", "unsorted") and size < least:
            raise ValueError(
                f"`batch_size` is {size}, but a mini-batch has at least {least} utterances:"
                f" {self.smallest} (two per rank) of each of {len(self.data)} languages."
            )

    def reached(self, limits: Mapping[str, float]) -> dict[str, float]:
        """Return the share of each language in the mean mini-batch; they sum to 1.

        Args:
            limits: Limit of each language in a mini-batch.
        """
        means = {}
        for language, data in self.data.items():
            amounts = self.batch_type.amounts(data.frames, data.width)
            drawn = float(self.draws[language].chances @ amounts)
            means[language] = drawn / len(self._cut(language, limits))
        total = sum(means.values())
        return {language: mean / total for language, mean in means.items()}


def one_language_batches(
    data: Mapping[str, LanguageData],
    size: int,
    smallest: int = 1,
    batch_type: BatchType = NUMEL,
) -> list[list[str]]:
    """Cut a set into mini-batches of one language each, as validation needs them.

    ESPnet's reporter has one weight for all statistics of a batch; with one language per batch it
    is right for each of them.

    Args:
        data: The utterances of each language.
        size: Size of a mini-batch: `valid_batch_bins` or `valid_batch_size`.
        smallest: Smallest number of utterances of a mini-batch (one per rank).
        batch_type: Unit of `size`.

    Returns:
        Utterance ids of each mini-batch, the shortest utterances of a language first.

    Raises:
        ValueError: If a language has fewer utterances than `smallest`.
    """
    batches: list[list[str]] = []
    for language in sorted(data):
        utterances = data[language]
        if len(utterances.keys) < smallest:
            raise ValueError(
                f"Language {language} has {len(utterances.keys)} validation utterances, but every"
                f" mini-batch needs at least {smallest} (one per rank)."
            )
        start = len(batches)
        batches.append([])
        loads = batch_type.loads(utterances.frames, utterances.width).tolist()
        for row in np.argsort(utterances.frames, kind="stable").tolist():
            if len(batches[-1]) >= smallest and loads[row] * (len(batches[-1]) + 1) > size:
                batches.append([])
            batches[-1].append(utterances.keys[row])
        if len(batches) - start > 1 and len(batches[-1]) < smallest:
            remainder = batches.pop()
            batches[-1] += remainder
    return batches
