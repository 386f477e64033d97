"""One mini-batch, and how it is divided by language and into independent parts."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

ABSENT = -1  # the only number of a label that the utterance does not have


@dataclass(frozen=True)
class Batch:
    """Utterances with their labels.

    Attributes:
        speech: Features [B, T, D] or samples [B, T].
        lengths: Frames or samples of each utterance, [B].
        languages: Index of the language of each utterance.
        labels: Data name (`text`, `utt2gender`) -> integers [B, L], `ABSENT` where there is no
            label; or floats [B, L, ...], NaN where there is none.
        label_lengths: Data name -> length of each label, [B].
    """

    speech: Tensor
    lengths: Tensor
    languages: tuple[int, ...]
    labels: Mapping[str, Tensor]
    label_lengths: Mapping[str, Tensor]

    def take(self, rows: Sequence[int]) -> "Batch":
        """Return some utterances, without the padding that the others needed."""
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
        """Return the positions of the utterances of a language."""
        return [row for row, spoken in enumerate(self.languages) if spoken == language]

    def speech_of(self, rows: Sequence[int]) -> tuple[Tensor, Tensor]:
        """Return speech [rows, T, ...] and lengths [rows], without the padding of the others."""
        if len(rows) == len(self.languages):
            return self.speech, self.lengths
        index = torch.tensor(rows, device=self.speech.device)
        lengths = self.lengths[index]
        return self.speech[index, : int(lengths.max())], lengths

    def labels_of(self, name: str, rows: Sequence[int]) -> tuple[Tensor, Tensor]:
        """Return labels [rows, L] and their lengths [rows], without the padding of the others."""
        index = torch.tensor(rows, device=self.speech.device)
        lengths = self.label_lengths[name][index]
        return self.labels[name][index, : int(lengths.max())], lengths

    def labelled(self, name: str, rows: Sequence[int]) -> list[int]:
        """Return those of the positions that have a label of this name."""
        if name not in self.labels:
            return []
        present = self._present[name]
        return [row for row in rows if present[row]]

    def rows_with(self, audio: str, names: Collection[str]) -> list[int]:
        """Return the positions of `all` utterances, or of those with (`labeled`) or without
        (`unlabeled`) a label of some names."""
        everything = list(range(len(self.languages)))
        if audio == "all":
            return everything
        known = {row for name in names for row in self.labelled(name, everything)}
        return [row for row in everything if (row in known) == (audio == "labeled")]

    @cached_property
    def _present(self) -> dict[str, list[bool]]:
        """Whether each utterance has a label, by name."""
        return {name: _is_present(value).tolist() for name, value in self.labels.items()}

    def split(self, parts: int) -> list["Batch"]:
        """Deal the utterances of each language into independent parts, in turn.

        Utterances with the same labels are dealt one after another, so that rare labels come into
        every part.

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
    """Return whether labels [B, L, ...] are there, bool [B]: an absent one begins with a sign."""
    first = labels[:, 0].flatten(start_dim=1)[:, 0] if labels.dim() > 2 else labels[:, 0]
    return ~torch.isnan(first) if first.is_floating_point() else first != ABSENT


def collect_batch(
    speech: Tensor, lengths: Tensor, languages: Tensor, labels: Mapping[str, Tensor | list[str]]
) -> Batch:
    """Return what ESPnet hands to `forward` as a batch.

    Args:
        speech: Features [B, T, D] or samples [B, T].
        lengths: Frames or samples of each utterance, [B].
        languages: Index of the language of each utterance, [B, 1].
        labels: Token ids by name, with their `..._lengths`; lists (`utt_id`) are left aside.
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
