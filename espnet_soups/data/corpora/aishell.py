"""Prepare AISHELL-1: read Mandarin, 16 kHz WAV, with the gender of every speaker."""

import logging
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

from espnet_soups.data.download import fetch_file
from espnet_soups.data.one_at_a_time import one_at_a_time
from espnet_soups.data.unpack import unpack
from espnet_soups.data.utterance import Utterance
from espnet_soups.files import add_once, read_lines, require_key

URL = "https://www.openslr.org/resources/33/{name}.tgz"
# Archive to its MD5 and its content.
ARCHIVES = {
    "data_aishell": ("2f494334227864a8a8fec932999db9d8", "15.6 GB"),
    "resource_aishell": ("957d480a0fcac85fc18e550756f624e5", "1.2 MB, genders of the speakers"),
}
TRANSCRIPT = "transcript/aishell_transcript_v0.8.txt"
OFFICIAL = {"train": 120_098, "dev": 14_326, "test": 7_176}
GENDERS = {"F": "f", "M": "m"}
# Letters of full width to those of ASCII.
_HALF_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}


def find_aishell(root: Path, download: bool) -> tuple[Path, Path]:
    """Find the corpus; unpack or fetch the parts that are missing.

    Args:
        root: The folder `data_aishell`, or a folder that holds it, directly or in `aishell/`.
        download: Whether to fetch archives from OpenSLR.

    Returns:
        (`data_aishell`, with a folder for each speaker; `resource_aishell`).

    Raises:
        OSError: If a part is missing; the message names it.
    """
    home = next((path for path in (root, root / "aishell") if _holds_part(path)), root)
    if root.name == "data_aishell" and (root / "transcript").is_dir():
        home = root.parent
    lacking = []
    for name, (md5, what) in ARCHIVES.items():
        archive = home / f"{name}.tgz"
        if (home / name).is_dir():
            continue
        if not download and not archive.is_file():
            lacking.append(f"{name} ({what})")
            continue
        with one_at_a_time(home):
            if (home / name).is_dir():  # another run has unpacked it meanwhile
                continue
            if not archive.is_file():
                fetch_file(URL.format(name=name), archive, md5)
            unpack(archive, home, depth=0)
    if lacking:
        raise FileNotFoundError(
            f"{home} has no {', '.join(lacking)}: get the archives from https://www.openslr.org/33,"
            " put them there (they are unpacked for you), or let them be fetched:"
            " AISHELL=downloads in db.sh."
        )
    unpack_speakers(home / "data_aishell")
    return home / "data_aishell", home / "resource_aishell"


def unpack_speakers(corpus: Path) -> int:
    """Unpack the archives of those speakers in `wav/` that are not unpacked, or only in part.

    The archives stay. A speaker is whole when every transcript has its recording.

    Args:
        corpus: The folder `data_aishell`.

    Returns:
        The number of speakers that were unpacked.

    Raises:
        OSError: If an archive is broken.
    """
    archives = sorted((corpus / "wav").glob("S*.tar.gz"))
    if not archives:
        return 0
    wanted: dict[str, set[str]] = defaultdict(set)
    for key in read_transcripts(corpus / TRANSCRIPT):
        wanted[speaker_of(key)].add(f"{key}.wav")
    count = 0
    with one_at_a_time(corpus / "wav"):
        for archive in archives:
            speaker = archive.name.removesuffix(".tar.gz")
            there = {path.name for path in corpus.glob(f"wav/*/{speaker}/*.wav")}
            if not there or wanted[speaker] - there:
                unpack(archive, corpus / "wav", 1, "unpack data_aishell.tgz anew, which holds it")
                count += 1
    return count


def read_aishell(corpus: Path, resources: Path, split: str) -> Iterator[Utterance]:
    """Return the utterances of a set, in the order of their ids.

    Args:
        corpus: The folder `data_aishell`.
        resources: The folder `resource_aishell`.
        split: `train`, `dev` or `test`.

    Raises:
        OSError: If a file or the set is missing.
        ValueError: If a file is malformed.
    """
    folder = corpus / "wav" / split
    if not folder.is_dir():
        raise FileNotFoundError(
            f"{folder} is missing and {corpus / 'wav'} has no archives of speakers (S0002.tar.gz,"
            " ...): fetch data_aishell.tgz again."
        )
    texts = read_transcripts(corpus / TRANSCRIPT)
    genders = read_genders(resources / "speaker.info")
    unwritten = 0
    for speaker in sorted(path for path in folder.iterdir() if path.is_dir()):
        for audio in sorted(speaker.glob("*.wav")):
            if audio.stem not in texts:
                unwritten += 1
                continue
            yield Utterance(
                key=f"zh_{speaker.name}-{audio.stem}",
                speaker=f"zh_{speaker.name}",
                language="zh",
                audio=str(audio),
                text=texts[audio.stem],
                gender=genders.get(speaker.name, "unknown"),
            )
    if unwritten:  # 325 in the whole corpus
        logging.info(f"{folder}: {unwritten} recordings have no transcript and are left out")


def read_transcripts(path: Path) -> dict[str, str]:
    """Read the transcripts, without spaces, with Latin letters in half-width capitals.

    Args:
        path: The file.

    Returns:
        Utterance id to text.

    Raises:
        OSError: If there is no such file.
        ValueError: If a line has no text, or an utterance occurs twice with different texts.
    """
    texts: dict[str, str] = {}
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing: unpack data_aishell.tgz again.")
    for number, line in enumerate(read_lines(path), start=1):
        key, _, text = line.strip(" \t").partition(" ")
        words = text.split()
        if not line.strip():
            continue
        require_key(f"{path}:{number}", key)
        if not words:
            raise ValueError(f"{path}:{number}: {key} has no text; unpack the archive again.")
        text = "".join(words).translate(_HALF_WIDTH).upper()
        add_once(texts, key, text, f"{path}:{number}")
    return texts


def read_genders(path: Path) -> Mapping[str, str]:
    """Read `speaker.info`; the S of a speaker may be missing there.

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
        raise FileNotFoundError(f"{path} is missing: unpack resource_aishell.tgz again.")
    for number, line in enumerate(read_lines(path), start=1):
        fields = line.split()
        if not fields:
            continue
        if len(fields) < 2 or fields[1] not in GENDERS:
            raise ValueError(
                f"{path}:{number}: expected `speaker F` or `speaker M`, but found"
                f" {line.strip()!r:.80}."
            )
        speaker = f"S{fields[0].removeprefix('S')}"
        add_once(genders, speaker, GENDERS[fields[1]], f"{path}:{number}")
    return genders


def speaker_of(key: str) -> str:
    """Return the speaker of an utterance.

    Args:
        key: Utterance id, such as `BAC009S0002W0122`.

    >>> speaker_of("BAC009S0002W0122")
    'S0002'
    """
    return key[6:11]


def _holds_part(path: Path) -> bool:
    names = [name for base in ARCHIVES for name in (base, f"{base}.tgz")]
    return any((path / name).exists() for name in names)
