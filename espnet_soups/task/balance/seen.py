"""Count how often each language and corpus is seen in an epoch."""

import copy
import logging
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from espnet2.iterators.sequence_iter_factory import SequenceIterFactory
from torch.utils.data import DataLoader

from espnet_soups.task.augmentation.seeded_dataset import SeededDataset
from espnet_soups.task.union_sampler import LanguageData, UnionBatchSampler

LANGUAGES, DATASETS = "languages", "datasets"


@dataclass(frozen=True)
class Seen:
    """Use of a group of utterances in an epoch.

    Attributes:
        utterances: Number of utterances in the group.
        seen: Number of them that occur at least once.
        drawn: Number of occurrences, including repetitions.
        most: Number of occurrences of the most frequent one.
        share: Share of all audio of the epoch, including repetitions, 0 to 1.
    """

    utterances: int
    seen: int
    drawn: int
    most: int
    share: float

    @property
    def times(self) -> float:
        """Mean number of occurrences of an utterance."""
        return self.drawn / self.utterances


def count_seen(
    data: Mapping[str, LanguageData], batches: Iterable[Sequence[str]]
) -> dict[str, dict[str, Seen]]:
    """Count how mini-batches use each language, and each corpus if there are corpora.

    Args:
        data: The utterances of each language.
        batches: Utterance ids of each mini-batch, of all ranks.

    Returns:
        `languages` and, with `utt2dataset`, `datasets`: name of each to its use.
    """
    times = Counter(key for batch in batches for key in batch)
    groups: dict[str, dict[str, list[tuple[int, int]]]] = {LANGUAGES: {}, DATASETS: {}}
    for language, utterances in data.items():
        rows = [
            (times[key], times[key] * frames)
            for key, frames in zip(utterances.keys, utterances.frames.tolist(), strict=True)
        ]
        groups[LANGUAGES][language] = rows
        for name, row in zip(utterances.datasets, rows, strict=bool(utterances.datasets)):
            groups[DATASETS].setdefault(name, []).append(row)
    audio = sum(frames for rows in groups[LANGUAGES].values() for _, frames in rows)
    return {
        kind: {name: _sum_up(named[name], audio) for name in sorted(named)}
        for kind, named in groups.items()
        if named
    }


def _sum_up(rows: Sequence[tuple[int, int]], audio: int) -> Seen:
    """Sum up (times, frames of all times) of each utterance of a group."""
    return Seen(
        utterances=len(rows),
        seen=sum(times > 0 for times, _ in rows),
        drawn=sum(times for times, _ in rows),
        most=max(times for times, _ in rows),
        share=round(sum(frames for _, frames in rows) / audio, 4) if audio else 0.0,
    )


def describe_seen(seen: Mapping[str, Mapping[str, Seen]]) -> str:
    """Return a line for the log.

    Args:
        seen: The result of `count_seen`.

    >>> describe_seen({"languages": {"fr": Seen(200, 200, 300, 2, 0.6)}})
    'fr 60 % of the audio, 200 of 200 utterances, each 1.5 times (at most 2)'
    """
    return "; ".join(
        f"{name} {100 * found.share:.3g} % of the audio, {found.seen:,} of {found.utterances:,}"
        f" utterances, each {found.times:.3g} times (at most {found.most})"
        for named in seen.values()
        for name, found in named.items()
    )


class CountedIterFactory(SequenceIterFactory):
    """ESPnet's iterator over a sampler of ours that counts the use of utterances in each epoch.

    Args:
        batches: The sampler, of any rank.
        **options: Further options of ESPnet's iterator.
    """

    sampler: Any  # ESPnet's, without a type

    def __init__(self, batches: UnionBatchSampler, **options: Any) -> None:
        super().__init__(batches=batches, **options)
        everyone = copy.copy(batches)
        everyone.rank, everyone.world_size = 0, 1
        self.rank, self.world_size = batches.rank, batches.world_size
        self.of_all_ranks = everyone
        self.seen: dict[str, dict[str, Seen]] = {}

    def build_iter(self, epoch: int, shuffle: bool | None = None) -> DataLoader:
        """Build the iterator of an epoch; the first rank logs what all ranks will see.

        Args:
            epoch: The epoch, from 1.
            shuffle: Whether to shuffle the mini-batches; None: as ESPnet's options say.
        """
        if isinstance(self.dataset, SeededDataset):
            self.dataset.epoch = epoch
        loader = super().build_iter(epoch, shuffle)
        if self.rank == 0:
            taken = loader.batch_sampler
            if self.world_size > 1:
                own, self.sampler = self.sampler, self.of_all_ranks
                taken = super().build_iter(epoch, shuffle).batch_sampler
                self.sampler = own
            self.seen = count_seen(self.of_all_ranks.data, taken or [])
            logging.info(f"epoch {epoch} sees {describe_seen(self.seen)}")
        return loader

    def record(self) -> dict[str, dict[str, dict[str, Any]]]:
        """Return the counts of the last epoch that was built, for `soup.jsonl`."""
        return {
            kind: {name: asdict(found) for name, found in named.items()}
            for kind, named in self.seen.items()
        }
