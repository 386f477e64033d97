"""One mini-batch, and its division by language and into independent parts."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

ABSENT = -1  # all that the label of an utterance without one holds


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
    """

    speech: Tensor
    lengths: Tensor
    languages: tuple[int, ...]
    labels: Mapping[str, Tensor]
    label_lengths: Mapping[str, Tensor]

    def take(self, rows: Sequence[int]) -> "Batch":
        """Return some utterances as a batch, without the padding that the others needed.

        Args:
            rows: Positions of the utterances, at least one.
        """
        index = torch.tensor(rows, device=self.speech.device)
        lengths = self.lengths[index]
        label_lengths = {name: value[index] for name, value in self.label_lengths.items()}
        return Batch(
            speech=self.speech[index, : int(lengths.max())],
            lengths=lengths,
            languages=tuple(self.languages[row] for row in rows),
            labels={
                name: value[index, : int(label_lengths[name].max())]
                for name, value in self.labels.items()
            },
            label_lengths=label_lengths,
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
            return self.speech, self.lengths
        index = torch.tensor(rows, device=self.speech.device)
        lengths = self.lengths[index]
        return self.speech[index, : int(lengths.max())], lengths

    def labels_of(self, name: str, rows: Sequence[int]) -> tuple[Tensor, Tensor]:
        """Return labels and their lengths of some utterances, without the padding of the others.

        Args:
            name: Data name of the label, such as `text`.
            rows: Positions of the utterances, at least one.

        Returns:
            (labels [rows, L, ...], lengths [rows]).
        """
        index = torch.tensor(rows, device=self.speech.device)
        lengths = self.label_lengths[name][index]
        return self.labels[name][index, : int(lengths.max())], lengths

    def labelled(self, name: str, rows: Sequence[int]) -> list[int]:
        """Return those of the positions that have a label of a name.

        Args:
            name: Data name of the label, such as `text`.
            rows: Positions of utterances.
        """
        if name not in self.labels:
            return []
        present = self._present[name]
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

    @cached_property
    def _present(self) -> dict[str, list[bool]]:
        """Presence of a label for each utterance, by name."""
        return {name: _is_present(value).tolist() for name, value in self.labels.items()}

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
        return [self.take(sorted(rows)) for rows in dealt]

    def _labels_present(self, row: int) -> list[bool]:
        return [present[row] for present in self._present.values()]


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
    return Batch(
        speech=speech,
        lengths=lengths,
        languages=tuple(languages[:, 0].tolist()),
        labels={name: tensors[name] for name in names},
        label_lengths={name: tensors[f"{name}_lengths"] for name in names},
    )
