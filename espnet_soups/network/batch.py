"""One mini-batch, and its division by language and into independent parts."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import torch
from torch import Tensor

from espnet_soups.network.positions import positions

ABSENT = -1  # all that the label of an utterance without one holds


@dataclass(frozen=True)
class Known:
    """Numbers of a mini-batch that Python decides by, so that it need not ask the device again.

    Attributes:
        frames: Frames or samples of each utterance.
        label_lengths: Data name to the length of each label.
        present: Data name to whether each utterance has the label.
    """

    frames: list[int]
    label_lengths: Mapping[str, list[int]]
    present: Mapping[str, list[bool]]

    def take(self, rows: Sequence[int]) -> "Known":
        """Return the numbers of some utterances.

        Args:
            rows: Their positions.
        """
        return Known(
            [self.frames[row] for row in rows],
            {name: [own[row] for row in rows] for name, own in self.label_lengths.items()},
            {name: [own[row] for row in rows] for name, own in self.present.items()},
        )


@dataclass(frozen=True)
class Batch:
    """Utterances with their labels.

    Attributes:
        speech: Features [B, T, D] or samples [B, S].
        lengths: Frames or samples of each utterance, [B].
        languages: Index of the language of each utterance.
        labels: Data name (`text`, `utt2gender`) to integers [B, L], `ABSENT` where there is no
            label; or to floats [B, L, ...], NaN where there is none.
        label_lengths: Data name to the length of each label, [B].
        given: Its numbers, if they are known already.
        origin: Positions of its utterances in the mini-batch that it is a part of; None: it is the
            mini-batch itself.
    """

    speech: Tensor
    lengths: Tensor
    languages: tuple[int, ...]
    labels: Mapping[str, Tensor]
    label_lengths: Mapping[str, Tensor]
    given: Known | None = field(default=None, repr=False, compare=False)
    origin: tuple[int, ...] | None = None

    @cached_property
    def known(self) -> Known:
        """Its numbers, for Python."""
        return self.given or ask_device(self.lengths, self.labels, self.label_lengths)[1]

    def take(self, rows: Sequence[int]) -> "Batch":
        """Return some utterances as a batch, without the padding that the others needed.

        Args:
            rows: Positions of the utterances, at least one.
        """
        index = positions(rows, self.speech.device)
        known = self.known.take(rows)
        return Batch(
            speech=self.speech[index, : max(known.frames)],
            lengths=self.lengths[index],
            languages=tuple(self.languages[row] for row in rows),
            labels={
                name: value[index, : max(known.label_lengths[name])]
                for name, value in self.labels.items()
            },
            label_lengths={name: value[index] for name, value in self.label_lengths.items()},
            given=known,
        )

    def rows_of(self, language: int) -> list[int]:
        """Return the positions of the utterances of a language.

        Args:
            language: Index of the language.
        """
        return [row for row, spoken in enumerate(self.languages) if spoken == language]

    def speech_of(self, rows: Sequence[int]) -> tuple[Tensor, Tensor]:
        """Return speech and lengths of some utterances, without the padding of the others.

        Args:
            rows: Positions of the utterances, at least one.

        Returns:
            (speech [rows, T, ...], lengths [rows]).
        """
        if len(rows) == len(self.languages):
            return self.speech[:, : max(self.known.frames)], self.lengths
        index = positions(rows, self.speech.device)
        longest = max(self.known.frames[row] for row in rows)
        return self.speech[index, :longest], self.lengths[index]

    def labels_of(self, name: str, rows: Sequence[int]) -> tuple[Tensor, Tensor]:
        """Return labels and their lengths of some utterances, without the padding of the others.

        Args:
            name: Data name of the label, such as `text`.
            rows: Positions of the utterances, at least one.

        Returns:
            (labels [rows, L, ...], lengths [rows]).
        """
        index = positions(rows, self.speech.device)
        longest = max(self.known.label_lengths[name][row] for row in rows)
        return self.labels[name][index, :longest], self.label_lengths[name][index]

    def labelled(self, name: str, rows: Sequence[int]) -> list[int]:
        """Return those of the positions that have a label of a name.

        Args:
            name: Data name of the label, such as `text`.
            rows: Positions of utterances.
        """
        if name not in self.labels:
            return []
        present = self.known.present[name]
        return [row for row in rows if present[row]]

    def rows_with(self, audio: str, names: Collection[str]) -> list[int]:
        """Return the positions of all utterances, or of those with or without a label.

        Args:
            audio: `all`; `labeled` for utterances with a label of one of the names; `unlabeled` for
                those without any.
            names: Data names of labels.
        """
        everything = list(range(len(self.languages)))
        if audio == "all":
            return everything
        known = {row for name in names for row in self.labelled(name, everything)}
        return [row for row in everything if (row in known) == (audio == "labeled")]

    def split(self, parts: int) -> list["Batch"]:
        """Deal the utterances of each language into independent parts, in turn.

        Utterances with the same labels are dealt one after another, so that rare labels reach every
        part.

        Args:
            parts: Number of parts.

        Raises:
            ValueError: If a part would be empty.
        """
        if parts == 1:
            return [self]
        in_turn = [
            row
            for language in sorted(set(self.languages))
            for row in sorted(self.rows_of(language), key=self._labels_present)
        ]
        dealt = [in_turn[part::parts] for part in range(parts)]
        if not all(dealt):
            raise ValueError(
                f"A measured step is dealt into {parts} independent parts, but this mini-batch has"
                f" {len(self.languages)} utterances; raise `batch_bins`."
            )
        return [replace(self.take(rows), origin=tuple(rows)) for rows in map(sorted, dealt)]

    def _labels_present(self, row: int) -> list[bool]:
        return [present[row] for present in self.known.present.values()]


def _is_present(labels: Tensor) -> Tensor:
    """Return which labels [B, L, ...] are present, bool [B]; absent ones begin with a marker."""
    first = labels[:, 0].flatten(start_dim=1)[:, 0] if labels.dim() > 2 else labels[:, 0]
    return ~torch.isnan(first) if first.is_floating_point() else first != ABSENT


def collect_batch(
    speech: Tensor, lengths: Tensor, languages: Tensor, labels: Mapping[str, Tensor | list[str]]
) -> Batch:
    """Return the arguments of ESPnet's call of `forward` as a batch.

    Args:
        speech: Features [B, T, D] or samples [B, S].
        lengths: Frames or samples of each utterance, [B].
        languages: Index of the language of each utterance, [B, 1].
        labels: Labels by data name, each with its `..._lengths`; lists (`utt_id`) are ignored.
    """
    tensors = {name: value for name, value in labels.items() if isinstance(value, Tensor)}
    names = [name for name in tensors if not name.endswith("_lengths")]
    own = {name: tensors[name] for name in names}
    sizes = {name: tensors[f"{name}_lengths"] for name in names}
    [spoken], known = ask_device(lengths, own, sizes, languages[:, 0])
    return Batch(speech, lengths, tuple(spoken), own, sizes, known)


def ask_device(
    lengths: Tensor,
    labels: Mapping[str, Tensor],
    label_lengths: Mapping[str, Tensor],
    *others: Tensor,
) -> tuple[list[list[int]], Known]:
    """Return the numbers of a mini-batch: a GPU is asked, and waited for, once.

    Args:
        lengths: Frames or samples of each utterance, [B].
        labels: Labels by data name, [B, L, ...].
        label_lengths: Length of each label, by data name, [B].
        *others: Further whole numbers, [B] each.

    Returns:
        (the numbers of `others`, those of the mini-batch).
    """
    names = list(labels)
    asked = [lengths, *(label_lengths[name] for name in names)]
    asked += [_is_present(labels[name]) for name in names]
    rows = torch.stack([one.long() for one in (*asked, *others)]).tolist()
    sizes, present = rows[1 : 1 + len(names)], rows[1 + len(names) : len(asked)]
    known = Known(
        rows[0],
        dict(zip(names, sizes, strict=True)),
        {name: [bool(one) for one in own] for name, own in zip(names, present, strict=True)},
    )
    return rows[len(asked) :], known
