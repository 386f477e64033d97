"""Describe an utterance of any corpus, and write data dirs utterance by utterance."""

import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

from espnet_soups.data.data_dir import NO_LABEL, remove_old_texts


@dataclass(frozen=True, slots=True)
class Utterance:
    """One recording with its labels.

    Attributes:
        key: Utterance id; the speaker is its prefix, as Kaldi's tools expect.
        speaker: The speaker; unique over all corpora that are combined.
        language: The spoken language.
        audio: The file.
        text: Transcript; empty: none.
        translations: Target language to translation; empty or absent: none.
        gender: `f`, `m`, `unknown`, or empty if the corpus does not say.
    """

    key: str
    speaker: str
    language: str
    audio: str
    text: str
    translations: Mapping[str, str] = field(default_factory=dict)
    gender: str = ""


def write_set(
    path: Path,
    utterances: Iterable[Utterance],
    targets: Sequence[str] = (),
    genders: bool = False,
) -> Counter[str]:
    """Write a data dir line by line: memory does not grow with the set.

    The files appear together, after the last utterance; old texts are removed.

    Args:
        path: Its folder.
        utterances: Utterances in ascending order of their ids.
        targets: Languages that get a `text.<target>`.
        genders: Whether to write `utt2gender` and `spk2gender`.

    Returns:
        Number of utterances by language.

    Raises:
        ValueError: If the ids do not ascend, the utterances of a speaker do not follow each other,
            or there is no utterance.
    """
    path.mkdir(parents=True, exist_ok=True)
    names = ["wav.scp", "text", "utt2lang", "utt2spk", "spk2utt"]
    names += [f"text.{target}" for target in targets]
    names += ["utt2gender", "spk2gender"] if genders else []
    temporary = {name: path / f".{name}.{os.getpid()}.tmp" for name in names}
    try:
        with ExitStack() as stack:
            files = {
                name: stack.enter_context(open(file, "w", encoding="utf-8", newline="\n"))
                for name, file in temporary.items()
            }
            counts = _write_lines(path, files, utterances, targets)
        if not counts:
            raise ValueError(f"There is no utterance for {path}.")
        for name, file in temporary.items():
            os.replace(file, path / name)
        remove_old_texts(path, names)
    finally:
        for file in temporary.values():
            file.unlink(missing_ok=True)
    return counts


def _write_lines(
    path: Path,
    files: Mapping[str, TextIO],
    utterances: Iterable[Utterance],
    targets: Sequence[str],
) -> Counter[str]:
    counts: Counter[str] = Counter()
    speakers: set[str] = set()
    last, speaker = "", ""
    for item in utterances:
        if item.key <= last:
            raise ValueError(f"{path}: {item.key} comes after {last}, but ids must ascend.")
        if item.speaker != speaker:
            if item.speaker in speakers:
                raise ValueError(
                    f"{path}: speaker {item.speaker} of {item.key} occurs twice: begin the id of an"
                    " utterance with its speaker."
                )
            speakers.add(item.speaker)
            files["spk2utt"].write(f"{chr(10) if speaker else ''}{item.speaker}")
            if "spk2gender" in files:
                files["spk2gender"].write(f"{item.speaker} {item.gender or 'unknown'}\n")
        last, speaker = item.key, item.speaker
        files["spk2utt"].write(f" {item.key}")
        files["wav.scp"].write(f"{item.key} {item.audio}\n")
        files["utt2lang"].write(f"{item.key} {item.language}\n")
        files["utt2spk"].write(f"{item.key} {item.speaker}\n")
        files["text"].write(f"{item.key} {item.text or NO_LABEL}\n")
        for target in targets:
            files[f"text.{target}"].write(
                f"{item.key} {item.translations.get(target) or NO_LABEL}\n"
            )
        if "utt2gender" in files:
            files["utt2gender"].write(f"{item.key} {item.gender or 'unknown'}\n")
        counts[item.language] += 1
    if speaker:
        files["spk2utt"].write("\n")
    return counts
