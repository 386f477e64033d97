"""Read, check and write Kaldi-style data dirs.

A set is a folder `data/<set>/` with wav.scp, text, text.<target>, utt2<label>, utt2lang, utt2spk.
"""

import logging
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from espnet_soups.data.label_text import clean_label
from espnet_soups.data.segments import SEGMENTS, read_audio_table
from espnet_soups.files import read_table, write_table

NO_LABEL = "<na>"
CHANNELS = "reco2file_and_channel"  # Kaldi's mark of channels of files
OPTIONAL = ("utt2group", "utt2speed")
BACKUPS = ("~", ".bak", ".old", ".orig", ".rej", ".save", ".swp", ".tmp")
LANGUAGES, SPEAKERS = "utt2lang", "utt2spk"
# Tables of utterances that are not labels; neither are lengths, which begin with `utt2num_`.
NO_LABELS = {LANGUAGES, SPEAKERS, *OPTIONAL, "utt2dur", "utt2uniq"}


@dataclass(frozen=True)
class DataDir:
    """The tables of a set of utterances; all have the same keys.

    Attributes:
        path: Its folder; messages name it.
        audio: Utterance id to audio file, or a part of one (`data/place.py`).
        languages: Utterance id to the language that is spoken.
        speakers: Utterance id to speaker.
        labels: File name (`text`, `text.en`, `utt2gender`) to (utterance id to label, or `<na>`).
        groups: Utterance id to group (`utt2group`, optional), which the bootstrap of the scores
            draws together, e.g. one sentence in several languages. Empty: no such file.
        speeds: Utterance id to the speed at which stage 3 plays it (`utt2speed`, optional). Empty:
            no such file, all are played as they are.
        audio_labels: File name (`clean.scp`) to (utterance id to a second audio file, from which an
            objective learns).
    """

    path: Path
    audio: Mapping[str, str]
    languages: Mapping[str, str]
    speakers: Mapping[str, str]
    labels: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    groups: Mapping[str, str] = field(default_factory=dict)
    speeds: Mapping[str, str] = field(default_factory=dict)
    audio_labels: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def keep(self, keys: Iterable[str]) -> "DataDir":
        """Return the set with some of its utterances.

        Args:
            keys: Ids of the utterances to keep; each must be in the set.
        """
        kept = sorted(keys)

        def rows(table: Mapping[str, str]) -> dict[str, str]:
            return {key: table[key] for key in kept} if table else {}

        return DataDir(
            path=self.path,
            audio=rows(self.audio),
            languages=rows(self.languages),
            speakers=rows(self.speakers),
            labels={name: rows(table) for name, table in self.labels.items()},
            groups=rows(self.groups),
            speeds=rows(self.speeds),
            audio_labels={name: rows(table) for name, table in self.audio_labels.items()},
        )

    def keep_languages(self, languages: Collection[str]) -> "DataDir":
        """Return the set with the utterances of some languages; it may be empty.

        Args:
            languages: The languages to keep.
        """
        return self.keep(key for key, language in self.languages.items() if language in languages)

    @cached_property
    def keys_by_language(self) -> dict[str, list[str]]:
        """Return the ids of the utterances of each language."""
        return group_by_language(self.languages, self.languages)

    def labels_of(self, name: str) -> Mapping[str, str] | None:
        """Return the labels of a file; languages, speakers and audio are labels, too.

        Args:
            name: Name of the file, such as `text.en`, `utt2gender` or `utt2lang`.

        Returns:
            Utterance id to label, or `<na>`; None: the set has no such file.
        """
        tables = {**self.labels, **self.audio_labels}
        return {**tables, LANGUAGES: self.languages, SPEAKERS: self.speakers}.get(name)

    def known_labels(self, name: str, language: str) -> dict[str, str]:
        """Return the labels of a file in one language, without missing ones.

        Args:
            name: Name of the file, as in `labels_of`.
            language: The spoken language; empty: any.
        """
        table = self.labels_of(name)
        if table is None:
            return {}
        keys = self.keys_by_language.get(language, []) if language else table
        found = ((key, table.get(key, NO_LABEL)) for key in keys)
        return {key: label for key, label in found if label != NO_LABEL}


def group_by_language(keys: Iterable[str], languages: Mapping[str, str]) -> dict[str, list[str]]:
    """Return utterance ids by language, in their order.

    Args:
        keys: The ids.
        languages: Utterance id to language; an id that it lacks has the language "".

    >>> group_by_language(["a", "b", "c"], {"a": "fr", "c": "fr"})
    {'fr': ['a', 'c'], '': ['b']}
    """
    grouped: dict[str, list[str]] = {}
    for key in keys:
        grouped.setdefault(languages.get(key, ""), []).append(key)
    return grouped


def read_data_dir(
    path: Path,
    audio_file: str = "wav.scp",
    labelled: bool = True,
    audio_labels: Sequence[str] = (),
) -> DataDir:
    """Read and check a data dir.

    Args:
        path: Its folder.
        audio_file: `wav.scp`, or `feats.scp` for a set whose features were extracted.
        labelled: Whether to read label files.
        audio_labels: Files of second audio that are labels, such as `clean.scp`.

    Returns:
        Its tables.

    Raises:
        FileNotFoundError: If the folder or one of its files does not exist.
        ValueError: If a file is malformed, keys differ between two files, or utterances are
            channels of files.
    """
    if not path.is_dir():
        raise FileNotFoundError(f"There is no data dir {path}; run the stage that makes it.")
    refuse_channels(path)
    files = [path / name for name in label_names(path)] if labelled else []
    needed = [audio_file, *([] if files or not labelled else ["text"]), LANGUAGES, SPEAKERS]
    for name in (*needed, *audio_labels):
        if not (path / name).is_file():
            raise FileNotFoundError(
                f"{path} has no {name}; a data dir needs {', '.join(needed[:-1])} and utt2spk."
            )
    audio = read_audio_table(path / audio_file)

    def matched(name: str, table: dict[str, str]) -> dict[str, str]:
        check_same_keys(path / audio_file, audio, path / name, table)
        return _share_keys(audio, table)

    present = [LANGUAGES, SPEAKERS, *(name for name in OPTIONAL if (path / name).is_file())]
    tables = {name: matched(name, read_table(path / name)) for name in present}
    labels = {file.name: matched(file.name, _read_label_table(file, audio)) for file in files}
    seconds = {name: matched(name, read_audio_table(path / name)) for name in audio_labels}
    groups, speeds = (tables.get(name, {}) for name in OPTIONAL)
    spoken, speakers = tables[LANGUAGES], tables[SPEAKERS]
    return DataDir(path, audio, spoken, speakers, labels, groups, speeds, seconds)


def _share_keys(first: Mapping[str, str], second: dict[str, str]) -> dict[str, str]:
    """Return the second table with the very keys of the first, if their order is the same.

    Each file that is read makes ids of its own: 90 MB for a million utterances.
    """
    if list(first) != list(second):
        return second
    return dict(zip(first, second.values(), strict=True))


def refuse_channels(path: Path) -> None:
    """Refuse a data dir whose utterances are channels of files.

    Args:
        path: Folder of the data dir.

    Raises:
        ValueError: If it has `reco2file_and_channel`.
    """
    if (path / CHANNELS).is_file():
        raise ValueError(
            f"{path} has `{CHANNELS}`, but it is not read: the channels of a file are averaged;"
            f" write a file for each channel, and take `{CHANNELS}` away."
        )


def is_text_file(name: str) -> bool:
    """Return whether a file holds texts: `text` or `text.<target>`.

    Args:
        name: Name of the file.
    """
    return name == "text" or (name.startswith("text.") and not is_backup(name))


def is_backup(name: str) -> bool:
    """Return whether a file is a backup that an editor or a person has left beside another one.

    Args:
        name: Name of the file.

    >>> [is_backup(name) for name in ("text.bak", "utt2lang~", "text.en")]
    [True, True, False]
    """
    return name.endswith(BACKUPS)


def label_tables(path: Path) -> list[str]:
    """Return the names of the tables `utt2<label>` in a data dir, such as `utt2gender`.

    Args:
        path: Folder of the data dir.
    """
    return sorted(
        file.name
        for file in path.glob("utt2*")
        if file.is_file()
        and file.name not in NO_LABELS
        and not is_backup(file.name)
        and not file.name.startswith("utt2num_")
    )


def label_names(path: Path) -> list[str]:
    """Return the names of all label files in a data dir, except those of audio.

    Args:
        path: Folder of the data dir.
    """
    texts = sorted(file.name for file in path.glob("text*") if is_text_file(file.name))
    return [*texts, *label_tables(path)]


def _read_label_table(path: Path, keys: Iterable[str]) -> dict[str, str]:
    """Read labels; in a table `utt2<label>` an utterance without a line has none."""
    labels = read_labels(path)
    if path.name not in label_tables(path.parent):
        return labels
    missing = [key for key in keys if key not in labels]
    if missing:
        logging.info(
            f"{path}: {len(missing):,} utterances have no line and count as `{NO_LABEL}`, such as"
            f" {missing[0]}"
        )
    return labels | dict.fromkeys(missing, NO_LABEL)


def read_labels(path: Path) -> dict[str, str]:
    """Read labels in their one normal form, in which all objectives and scores use them.

    Args:
        path: The file.

    Returns:
        Utterance id to label, or `<na>`.

    Raises:
        OSError: If there is no such file.
        ValueError: If it is malformed, or a label has no visible character.
    """
    labels = {key: clean_label(text) for key, text in read_table(path).items()}
    empty = [key for key, text in labels.items() if not text]
    if empty:
        raise ValueError(
            f"{path}: {empty[0]} and {len(empty) - 1} more have a label without a visible"
            f" character; a label that is missing is written `{NO_LABEL}`."
        )
    return labels


def remove_old_texts(path: Path, names: Collection[str]) -> None:
    """Remove texts, such as `text.de`, that an earlier set has left in a folder.

    Args:
        path: The folder.
        names: Files of the new set, which stay.
    """
    for file in path.glob("text*"):
        if is_text_file(file.name) and file.name not in names:
            file.unlink()


def write_data_dir(data: DataDir, audio_file: str = "wav.scp") -> None:
    """Write the tables of a set, including `spk2utt`, and remove old label files.

    Args:
        data: The set; `data.path` is the folder.
        audio_file: `wav.scp` or `feats.scp`.

    Raises:
        OSError: If a file cannot be written.
    """
    utterances = defaultdict(list)
    for key in sorted(data.speakers):
        utterances[data.speakers[key]].append(key)
    (data.path / SEGMENTS).unlink(missing_ok=True)  # places of utterances name their parts
    write_table(data.path / audio_file, data.audio)
    write_table(data.path / LANGUAGES, data.languages)
    write_table(data.path / SPEAKERS, data.speakers)
    write_table(data.path / "spk2utt", {name: " ".join(utterances[name]) for name in utterances})
    for name in set(label_names(data.path)) - set(data.labels):
        (data.path / name).unlink()
    for name, table in {**data.labels, **data.audio_labels}.items():
        write_table(data.path / name, table)
    for name, table in zip(OPTIONAL, (data.groups, data.speeds), strict=True):
        if table:
            write_table(data.path / name, table)
        else:  # left by an earlier set
            (data.path / name).unlink(missing_ok=True)


def check_same_keys(
    first: Path, first_keys: Iterable[str], second: Path, second_keys: Iterable[str]
) -> None:
    """Compare the keys of two files.

    Args:
        first: The one file, for the message.
        first_keys: Its keys.
        second: The other file, for the message.
        second_keys: Its keys.

    Raises:
        ValueError: If they differ; the message names both files and the first few keys.
    """
    first_keys, second_keys = list(first_keys), list(second_keys)
    if first_keys == second_keys:
        return
    left, right = set(first_keys), set(second_keys)
    if left != right:
        only_left, only_right = sorted(left - right), sorted(right - left)
        parts = [
            f"{len(keys)} only in {file} (first: {', '.join(keys[:3])})"
            for file, keys in ((first, only_left), (second, only_right))
            if keys
        ]
        raise ValueError(
            f"Utterance ids of {first} and {second} differ: {'; '.join(parts)}; both need a line"
            " for every utterance."
        )
