"""Join data dirs of several corpora into one, line by line."""

import heapq
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from espnet_soups.data.data_dir import (
    NO_LABEL,
    label_tables,
    refuse_channels,
    remove_old_texts,
)
from espnet_soups.data.segments import SEGMENTS, read_audio_table
from espnet_soups.files import read_lines, require_key, whole_file

REQUIRED = ("wav.scp", "utt2lang", "utt2spk")
SPEAKERS = "spk2utt"  # always written; made of utt2spk where a source lacks it
MISSING = {"utt2speed": "1"}
GROUPS, DATASETS = "utt2group", "utt2dataset"
SPEAKER_TABLES = "spk2"  # prefix of their names


def combine_data_dirs(sources: Sequence[Path], target: Path, datasets: Sequence[str] = ()) -> int:
    """Merge sorted tables, and remove old texts; memory does not grow with the sets.

    A label file (`text`, `text.<target>`, `utt2<label>`, second recordings such as `clean.scp`)
    that a source lacks counts as `<na>` there, as does a table of speakers (`spk2gender`), a speed
    as 1; where it lacks `utt2group`, each utterance is a group of its own. Groups of one name are
    one group.

    Args:
        sources: Data dirs with different utterance ids.
        target: Folder of the new data dir.
        datasets: Name of the corpus of each source, for those without `utt2dataset`.

    Returns:
        The number of its utterances.

    Raises:
        OSError: If a file is missing.
        ValueError: If an id occurs twice, a file is not sorted, utterances are channels of files,
            or there are not as many names of corpora as sources.
    """
    if datasets and len(datasets) != len(sources):
        raise ValueError(
            f"`--datasets` needs a name for each of {len(sources)} data dirs, but got"
            f" {len(datasets)}: {' '.join(datasets)}."
        )
    for source in sources:
        refuse_channels(source)
    optional = {
        file.name
        for source in sources
        for pattern in ("text", "text.*", f"{SPEAKER_TABLES}*", "*.scp")
        for file in source.glob(pattern)
    }
    optional |= {name for source in sources for name in label_tables(source)}
    optional |= {
        name for name in (*MISSING, GROUPS) if any((source / name).is_file() for source in sources)
    }
    optional |= {DATASETS} if datasets else set()
    optional -= {*REQUIRED, SPEAKERS}
    target.mkdir(parents=True, exist_ok=True)
    counts = {}
    for name in (*REQUIRED, SPEAKERS, *sorted(optional)):
        corpora = datasets if name == DATASETS and datasets else [NO_LABEL] * len(sources)
        lines = [
            _read_lines(source, name, corpus)
            for source, corpus in zip(sources, corpora, strict=True)
        ]
        counts[name] = _write_merged(target / name, heapq.merge(*lines))
    remove_old_texts(target, counts)
    return counts["wav.scp"]


def left_out(sources: Sequence[Path], target: Path) -> list[str]:
    """Return the names of files that data dirs have, but the one that was joined of them lacks.

    Args:
        sources: The data dirs.
        target: What `combine_data_dirs` has written.
    """
    names = {file.name for source in sources for file in source.iterdir() if file.is_file()}
    return sorted(n for n in names if not (target / n).exists() and n[0] != "." and n != SEGMENTS)


def _read_lines(source: Path, name: str, label: str = NO_LABEL) -> Iterator[tuple[str, str]]:
    path = source / name
    if path.is_file() and path.suffix == ".scp" and (source / SEGMENTS).is_file():
        yield from sorted(read_audio_table(path).items())
        return
    if path.is_file() or name in REQUIRED:
        for number, line in enumerate(read_lines(path), start=1):
            key, _, value = line.partition(" ")
            require_key(f"{path}:{number}", key)
            yield key, value
        return
    if name == SPEAKERS:
        yield from _utterances_by_speaker(source)
        return
    keys = SPEAKERS if name.startswith(SPEAKER_TABLES) else "utt2lang"
    for key, _ in _read_lines(source, keys):
        yield key, key if name == GROUPS else MISSING.get(name, label)


def _utterances_by_speaker(source: Path) -> list[tuple[str, str]]:
    utterances: dict[str, list[str]] = {}
    for key, speaker in _read_lines(source, "utt2spk"):
        utterances.setdefault(speaker, []).append(key)
    return sorted((speaker, " ".join(keys)) for speaker, keys in utterances.items())


def _write_merged(path: Path, rows: Iterable[tuple[str, str]]) -> int:
    last, count = "", 0
    with (
        whole_file(path) as temporary,
        open(temporary, "w", encoding="utf-8", newline="\n") as file,
    ):
        for key, value in rows:
            if key <= last:
                raise ValueError(
                    f"{path}: {key} comes after {last}: the sources must be sorted and must not"
                    " share ids."
                )
            file.write(f"{key} {value}\n")
            last, count = key, count + 1
    return count
