"""Kaldi-style data dirs: `data/<set>/{wav.scp,text,text.<target>,utt2lang,utt2spk,spk2utt}`."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from espnet_soups.data.label_text import clean_label
from espnet_soups.files import read_table, write_table

NO_LABEL = "<na>"
NOT_READ = ("segments", "reco2file_and_channel")  # Kaldi's ways to say which part of a file it is
OPTIONAL = ("utt2group", "utt2speed")


@dataclass(frozen=True)
class DataDir:
    """The tables of a set of utterances; all have the same keys.

    Attributes:
        path: Its folder; messages name it.
        audio: Utterance id to audio file.
        languages: Utterance id to the language that is spoken.
        speakers: Utterance id to speaker.
        labels: File name (`text`, `text.en`) to (utterance id to label, or `<na>`).
        groups: Utterance id to group (`utt2group`, optional): what the bootstrap of the scores
            draws together, e.g. one sentence in several languages. Empty: no such file.
        speeds: Utterance id to how fast stage 3 plays it (`utt2speed`, optional). Empty: no such
            file, all are played as they are.
    """

    path: Path
    audio: Mapping[str, str]
    languages: Mapping[str, str]
    speakers: Mapping[str, str]
    labels: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    groups: Mapping[str, str] = field(default_factory=dict)
    speeds: Mapping[str, str] = field(default_factory=dict)

    def keep(self, keys: Iterable[str]) -> "DataDir":
        """Gives the set with these utterances alone."""
        kept = sorted(keys)
        return DataDir(
            path=self.path,
            audio={key: self.audio[key] for key in kept},
            languages={key: self.languages[key] for key in kept},
            speakers={key: self.speakers[key] for key in kept},
            labels={name: {key: table[key] for key in kept} for name, table in self.labels.items()},
            groups={key: self.groups[key] for key in kept} if self.groups else {},
            speeds={key: self.speeds[key] for key in kept} if self.speeds else {},
        )


def read_data_dir(path: Path, audio_file: str = "wav.scp", labelled: bool = True) -> DataDir:
    """Reads and checks a data dir.

    Args:
        path: Its folder.
        audio_file: `wav.scp`, or `feats.scp` for a set whose features were extracted.
        labelled: Whether it has labels; if not, label files are not read.

    Returns:
        Its tables.

    Raises:
        FileNotFoundError: If the folder or one of its files does not exist.
        ValueError: If a file is malformed, keys differ between two files, or utterances are parts
            of files (`segments`).
    """
    if not path.is_dir():
        raise FileNotFoundError(f"There is no data dir {path}; run the stage that makes it.")
    refuse_parts(path)
    needed = [audio_file, *(["text"] if labelled else []), "utt2lang", "utt2spk"]
    for name in needed:
        if not (path / name).is_file():
            raise FileNotFoundError(
                f"{path} has no {name}; a data dir needs {', '.join(needed[:-1])} and utt2spk."
            )
    audio = read_table(path / audio_file)
    files = sorted(label_files(path)) if labelled else []
    labels = {file.name: read_labels(file) for file in files}
    tables = {"utt2lang": read_table(path / "utt2lang"), "utt2spk": read_table(path / "utt2spk")}
    tables |= {name: read_table(path / name) for name in OPTIONAL if (path / name).is_file()}
    for name, table in {**tables, **labels}.items():
        check_same_keys(path / audio_file, audio, path / name, table)
    groups, speeds = (tables.get(name, {}) for name in OPTIONAL)
    return DataDir(path, audio, tables["utt2lang"], tables["utt2spk"], labels, groups, speeds)


def refuse_parts(path: Path) -> None:
    """Refuse a data dir whose utterances are parts of files.

    Raises:
        ValueError: If it has `segments`, or says which channel of a file an utterance is.
    """
    for name in NOT_READ:
        if (path / name).is_file():
            raise ValueError(
                f"{path} has `{name}`, but it is not read: every line of `wav.scp` is one whole"
                " utterance; cut the recordings into a file for each utterance, and take"
                f" `{name}` away."
            )


def label_files(path: Path) -> list[Path]:
    """Lists `text` and `text.<target>` of a data dir."""
    return [path / "text", *(file for file in sorted(path.glob("text.*")) if file.is_file())]


def read_labels(path: Path) -> dict[str, str]:
    """Read labels, in the one normal form that all that learns from and scores them has.

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


def write_data_dir(data: DataDir, audio_file: str = "wav.scp") -> None:
    """Writes the tables of a set, `spk2utt` included."""
    utterances = defaultdict(list)
    for key in sorted(data.speakers):
        utterances[data.speakers[key]].append(key)
    write_table(data.path / audio_file, data.audio)
    write_table(data.path / "utt2lang", data.languages)
    write_table(data.path / "utt2spk", data.speakers)
    write_table(data.path / "spk2utt", {name: " ".join(utterances[name]) for name in utterances})
    for name, table in data.labels.items():
        write_table(data.path / name, table)
    for name, table in zip(OPTIONAL, (data.groups, data.speeds), strict=True):
        if table:
            write_table(data.path / name, table)
        else:  # of the set that was here before
            (data.path / name).unlink(missing_ok=True)


def check_same_keys(
    first: Path, first_keys: Iterable[str], second: Path, second_keys: Iterable[str]
) -> None:
    """Compares the keys of two files.

    Raises:
        ValueError: If they differ; the message names both files and the first few keys.
    """
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
