"""Mini-batches in which every language is present."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from espnet2.samplers.abs_sampler import AbsSampler

LENGTH_JITTER = 0.1  # utterances of about the same length change neighbours from epoch to epoch


@dataclass(frozen=True)
class LanguageData:
    """The utterances of one language.

    Attributes:
        keys: Utterance ids.
        frames: Frames (or samples) of each utterance, [N].
        width: Numbers per frame: the feature dimension, 1 for samples.
    """

    keys: tuple[str, ...]
    frames: np.ndarray
    width: int


class UnionBatchSampler(AbsSampler):
    """Sampler of mini-batches that are the union of one mini-batch per language.

    Inside a language, utterances of similar length are put together up to a share of `batch_bins`
    (padded numbers, as ESPnet's numel batches count them; since neighbours in length change from
    epoch to epoch, a mini-batch may exceed it by a tenth). Across languages, mini-batches are
    paired by the rank of their length, so that little is padded. Languages with fewer mini-batches
    are cycled, each time drawn anew. The batches of an epoch follow from its seed alone: every
    rank draws the same ones, then takes its own part of every language, and a resumed run needs
    no state of the sampler.

    Args:
        data: The utterances of each language.
        batch_bins: Padded numbers of a whole mini-batch, over all languages.
        alpha: Share of a language ~ (its utterances)^alpha: 0 gives all languages equal shares, 1
            natural ones.
        rank: Of this process.
        world_size: Number of processes.

    Raises:
        ValueError: If a language has fewer utterances than each rank needs (two).
    """

    def __init__(
        self,
        data: Mapping[str, LanguageData],
        batch_bins: int,
        alpha: float = 0.0,
        rank: int = 0,
        world_size: int = 1,
    ) -> None:
        self.data = dict(data)
        self.smallest = 2 * world_size
        for language, utterances in self.data.items():
            if len(utterances.keys) < self.smallest:
                raise ValueError(
                    f"Language {language} has {len(utterances.keys)} training utterances, but"
                    f" every mini-batch needs at least {self.smallest} (two per rank)."
                )
        powers = {name: len(value.keys) ** alpha for name, value in self.data.items()}
        self.bins = {name: batch_bins * p / sum(powers.values()) for name, p in powers.items()}
        self.rank = rank
        self.world_size = world_size
        self.sizes = {name: self._cut(name) for name in self.data}
        self.steps = max(len(sizes) for sizes in self.sizes.values())

    def __len__(self) -> int:
        """Return the number of mini-batches of an epoch, the same for every epoch."""
        return self.steps

    def __iter__(self):
        """Iterate over the mini-batches of epoch 0."""
        return iter(self.generate(0))

    def __repr__(self) -> str:
        """Return how many mini-batches there are and what they hold."""
        sizes = {name: len(value.keys) for name, value in self.data.items()}
        return f"{type(self).__name__}(steps={self.steps}, utterances={sizes})"

    def generate(self, seed: int) -> list[list[str]]:
        """Draw the mini-batches of one epoch, short ones first.

        Args:
            seed: Seed of the run plus the epoch.

        Returns:
            Utterance ids of each mini-batch, sorted by language; only this rank's.
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
        drawn.sort(key=lambda rows: int(utterances.frames[rows].max()))
        return [tuple(utterances.keys[row] for row in rows) for rows in drawn]

    def _draw(self, language: str, random: np.random.RandomState) -> list[list[int]]:
        """Deal a language into mini-batches of similar lengths; every utterance comes once."""
        frames = self.data[language].frames
        noise = 1.0 + LENGTH_JITTER * random.uniform(-1.0, 1.0, len(frames))
        order = np.argsort(frames * noise, kind="stable")
        ends = np.cumsum(self.sizes[language])
        return [part.tolist() for part in np.split(order, ends[:-1])]

    def _cut(self, language: str) -> list[int]:
        """Return the sizes of a language's mini-batches, the same in every epoch, so that an epoch
        has room for all of them."""
        utterances = self.data[language]
        sizes = [0]
        for frames in np.sort(utterances.frames).tolist():
            bins = int(frames) * utterances.width * (sizes[-1] + 1)
            if sizes[-1] >= self.smallest and bins > self.bins[language]:
                sizes.append(0)
            sizes[-1] += 1
        if len(sizes) > 1 and sizes[-1] < self.smallest:
            remainder = sizes.pop()
            sizes[-1] += remainder
        return sizes


def one_language_batches(
    data: Mapping[str, LanguageData], batch_bins: int, smallest: int = 1
) -> list[list[str]]:
    """Cut a set into mini-batches of one language each, as validation needs them.

    ESPnet's reporter has one weight for all statistics of a batch; with one language per batch it
    is right for each of them.

    Args:
        data: The utterances of each language.
        batch_bins: Padded numbers of a mini-batch.
        smallest: Utterances that a mini-batch has at least (one per rank).

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
        for row in np.argsort(utterances.frames, kind="stable").tolist():
            bins = int(utterances.frames[row]) * utterances.width * (len(batches[-1]) + 1)
            if len(batches[-1]) >= smallest and bins > batch_bins:
                batches.append([])
            batches[-1].append(utterances.keys[row])
        if len(batches) - start > 1 and len(batches[-1]) < smallest:
            remainder = batches.pop()
            batches[-1] += remainder
    return batches
