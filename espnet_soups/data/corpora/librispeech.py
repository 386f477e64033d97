"""Prepare LibriSpeech: read English, 16 kHz FLAC, with the gender of every speaker."""

import heapq
import logging
from collections.abc import Iterator, Sequence
from pathlib import Path

from espnet_soups.data.download import fetch_file
from espnet_soups.data.one_at_a_time import one_at_a_time
from espnet_soups.data.unpack import unpack
from espnet_soups.data.utterance import Utterance
from espnet_soups.files import add_once, read_lines, require_key

URL = "https://www.openslr.org/resources/12/{subset}.tar.gz"
# Subset to MD5 of its archive, size in GB, utterances.
SUBSETS = {
    "dev-clean": ("42e2234ba48799c1f50f24a7926300a1", 0.34, 2_703),
    "dev-other": ("c8d0bcc9cca99d4f8b62fcc847357931", 0.31, 2_864),
    "test-clean": ("32fa31d27d2e1cad72775fee3f4849a9", 0.35, 2_620),
    "test-other": ("fb5a50374b501bb3bac4815ee91d3135", 0.33, 2_939),
    "train-clean-100": ("2a93770f6d5c6c964bc36631d331a522", 6.4, 28_539),
    "train-clean-360": ("c0e676e450a7ff2f54aeade5171606fa", 23.0, 104_014),
    "train-other-500": ("d1a0fd59409feb2c614ce4d30c387708", 30.6, 148_688),
}
OFFICIAL = {subset: utterances for subset, (_, _, utterances) in SUBSETS.items()}
TRAIN_SETS = {
    "100": ("train-clean-100",),
    "460": ("train-clean-100", "train-clean-360"),
    "960": ("train-clean-100", "train-clean-360", "train-other-500"),
}
GENDERS = {"F": "f", "M": "m"}


def find_librispeech(root: Path, subsets: Sequence[str], download: bool) -> Path:
    """Find the folder of the subsets; unpack or fetch those that are missing.

    Args:
        root: The folder `LibriSpeech`, or the one above it; archives may lie there too.
        subsets: Names of the subsets, such as `test-clean`.
        download: Whether to fetch archives from OpenSLR.

    Returns:
        The folder `LibriSpeech`.

    Raises:
        OSError: If a subset is missing; the message lists all that are.
        ValueError: If there is no such subset.
    """
    unknown = sorted(set(subsets) - set(SUBSETS))
    if unknown:
        raise ValueError(f"LibriSpeech has the subsets {list(SUBSETS)}, but got {unknown}.")
    folder = root / "LibriSpeech"
    if not folder.is_dir() and any((root / subset).is_dir() for subset in SUBSETS):
        folder = root
    missing = [subset for subset in subsets if not any((folder / subset).glob("*/*"))]
    lacking = []
    for subset in missing:
        archive = root / f"{subset}.tar.gz"
        if not download and not archive.is_file():
            lacking.append(f"{subset} ({SUBSETS[subset][1]} GB)")
            continue
        with one_at_a_time(root):
            if any((folder / subset).glob("*/*")):  # another run has unpacked it meanwhile
                continue
            if not archive.is_file():
                fetch_file(URL.format(subset=subset), archive, SUBSETS[subset][0])
            unpack(archive, folder.parent, depth=1)
    if lacking:
        raise FileNotFoundError(
            f"{root} has no {', '.join(lacking)}: get the archives from"
            " https://www.openslr.org/12, put them there (they are unpacked for you), or let them"
            " be fetched: LIBRISPEECH=downloads in db.sh."
        )
    return folder


def read_librispeech(folder: Path, subsets: Sequence[str]) -> Iterator[Utterance]:
    """Return the utterances of subsets, in the order of their ids.

    Args:
        folder: The folder `LibriSpeech`.
        subsets: Names of the subsets.

    Raises:
        OSError: If `SPEAKERS.TXT` is missing.
        ValueError: If a transcript is malformed.
    """
    genders = read_genders(folder / "SPEAKERS.TXT")
    parts = [_read_subset(folder / subset, genders) for subset in subsets]
    return heapq.merge(*parts, key=lambda item: item.key)


def read_genders(path: Path) -> dict[str, str]:
    """Read `SPEAKERS.TXT`.

    A line is `id | sex | subset | minutes | name`; a name may hold a bar, too.

    Args:
        path: The file.

    Returns:
        Speaker to `f` or `m`.

    Raises:
        OSError: If there is no such file.
        ValueError: If a line is malformed.
    """
    genders: dict[str, str] = {}
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing: every archive of LibriSpeech holds it.")
    with open(path, encoding="utf-8", errors="replace", newline="\n") as file:  # for names
        for number, line in enumerate(file, start=1):
            if not line.strip() or line.startswith(";"):
                continue
            fields = [field.strip() for field in line.split("|", 4)]
            if len(fields) < 4 or fields[1] not in GENDERS:
                raise ValueError(
                    f"{path}:{number}: expected `id | F or M | subset | minutes | name`, but found"
                    f" {line.strip()!r:.80}."
                )
            add_once(genders, fields[0], GENDERS[fields[1]], f"{path}:{number}")
    return genders


def _read_subset(folder: Path, genders: dict[str, str]) -> Iterator[Utterance]:
    silent = unwritten = 0
    for speaker in sorted(path for path in folder.iterdir() if path.is_dir()):
        for chapter in sorted(path for path in speaker.iterdir() if path.is_dir()):
            recorded = {path.stem for path in chapter.glob("*.flac")}
            texts = _read_transcripts(chapter / f"{speaker.name}-{chapter.name}.trans.txt")
            silent += len(texts.keys() - recorded)
            unwritten += len(recorded - texts.keys())
            for key in sorted(recorded & texts.keys()):
                yield Utterance(
                    key=f"en_{key}",  # begins with the speaker already
                    speaker=f"en_{speaker.name}",
                    language="en",
                    audio=str(chapter / f"{key}.flac"),
                    text=texts[key],
                    gender=genders.get(speaker.name, "unknown"),
                )
    if silent or unwritten:
        logging.warning(
            f"{folder}: {silent} transcripts have no recording, {unwritten} recordings no"
            " transcript; they are left out: unpack the archive again"
        )


def _read_transcripts(path: Path) -> dict[str, str]:
    texts: dict[str, str] = {}
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing: unpack the archive of its subset again.")
    for number, line in enumerate(read_lines(path), start=1):
        key, _, text = line.strip(" \t").partition(" ")
        text = " ".join(text.split())
        if not line.strip():
            continue
        require_key(f"{path}:{number}", key)
        if not text:
            raise ValueError(f"{path}:{number}: {key} has no text; unpack the archive again.")
        add_once(texts, key, text, f"{path}:{number}")
    return texts
