"""Join Common Voice with CoVoST's tables on disk, so that memory does not grow with them."""

import hashlib
import sqlite3
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from espnet_soups.data.corpora.covost2_tables import SETS
from espnet_soups.data.corpora.tsv import read_tsv
from espnet_soups.data.utterance import Utterance

SCHEMA = """
    PRAGMA journal_mode = OFF;
    PRAGMA synchronous = OFF;
    PRAGMA cache_size = -65536;
    CREATE TABLE clip (name TEXT PRIMARY KEY, split TEXT, key TEXT, speaker TEXT, text TEXT,
        seen INTEGER DEFAULT 0) WITHOUT ROWID;
    CREATE TABLE label (name TEXT, target TEXT, text TEXT, PRIMARY KEY (target, name))
        WITHOUT ROWID;
"""
LEFT_OUT = "left out"


@dataclass(frozen=True)
class JoinReport:
    """Numbers of rows of the tables that were not used, by reason.

    Attributes:
        other_split: Rows of splits that version 2 does not use.
        repeated: Rows whose clip had occurred before.
        not_validated: Number of clips that `validated.tsv` lacks, by set.
        malformed: Rows that could not be read, `file:line: why`.
        shared_speakers: Number of speakers of the training set who are in dev or test too.
    """

    other_split: int
    repeated: int
    not_validated: dict[str, int]
    malformed: list[str]
    shared_speakers: int


class ClipStore:
    """Clips of one language with their labels, in a temporary database.

    Args:
        path: The database file; an old one is replaced.
        language: The spoken language.
    """

    def __init__(self, path: Path, language: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        self.path = path
        self.language = language
        self._database = sqlite3.connect(path)
        self._database.executescript(SCHEMA)
        self._database.create_function("draw", 1, _draw, deterministic=True)

    def close(self) -> None:
        """Delete the database."""
        self._database.close()
        self.path.unlink(missing_ok=True)

    def join(self, tables: dict[str, Path], validated: Path) -> JoinReport:
        """Fill the store with the rows of the tables whose clip is in `validated.tsv`.

        Args:
            tables: Direction (`fr_en`) to its table.
            validated: Common Voice's table of validated clips.

        Returns:
            What was not used, and why.

        Raises:
            OSError: If a file is missing.
            ValueError: If a file is malformed, or two tables put a clip into different sets.
        """
        malformed: list[str] = []
        counts = {"other": 0, "repeated": 0}
        for direction, path in tables.items():
            rows = self._count_rows(path, malformed, counts)
            before = self._one("SELECT count(*) FROM label")
            target = direction.rpartition("_")[2]
            self._add_labels(target, rows, path)
            added = self._one("SELECT count(*) FROM label") - before
            counts["repeated"] += counts.pop("used") - added
        columns = ("path", "sentence", "client_id")
        self._database.executemany(
            "UPDATE clip SET text = coalesce(text, ?), key = coalesce(key, ?),"
            " speaker = coalesce(speaker, ?), seen = seen + 1 WHERE name = ?",
            map(self._describe, read_tsv(validated, columns, malformed)),
        )
        counts["repeated"] += self._one(
            "SELECT coalesce(sum(seen - 1), 0) FROM clip WHERE seen > 1"
        )
        lost = self._counts("key IS NULL")
        self._database.execute("DELETE FROM clip WHERE key IS NULL")
        shared = self._one(
            "SELECT count(*) FROM (SELECT speaker FROM clip WHERE split = 'train' INTERSECT"
            " SELECT speaker FROM clip WHERE split != 'train')"
        )
        self._database.commit()
        return JoinReport(counts["other"], counts["repeated"], lost, malformed, shared)

    def limit(self, split: str, number: int) -> None:
        """Keep a pseudo-random part of a set, the same on every machine.

        Args:
            split: `train`, `dev` or `test`.
            number: Clips to keep; 0: all.
        """
        if number > 0:
            self._database.execute(
                "UPDATE clip SET split = ? WHERE split = ? AND name NOT IN (SELECT name FROM clip"
                " WHERE split = ? ORDER BY draw(name), name LIMIT ?)",
                (LEFT_OUT, split, split, number),
            )

    def names(self) -> Iterator[str]:
        """Return the names of all clips that are in a set."""
        query = "SELECT name FROM clip WHERE split != ? ORDER BY name"
        for (name,) in self._database.cursor().execute(query, (LEFT_OUT,)):
            yield name

    def remove(self, names: Iterable[str]) -> None:
        """Take clips out of their sets.

        Args:
            names: Names of the clips, see `clip_name`.
        """
        self._database.executemany(
            "UPDATE clip SET split = ? WHERE name = ?", ((LEFT_OUT, name) for name in names)
        )

    def counts(self) -> dict[str, int]:
        """Return the number of clips by set."""
        return self._counts("1")

    def utterances(self, split: str, targets: Sequence[str]) -> Iterator[Utterance]:
        """Yield a set in the order of its ids; `audio` is the name of the clip, texts as they are.

        Args:
            split: `train`, `dev` or `test`.
            targets: Languages whose translations to add.
        """
        columns = "".join(f", label{i}.text" for i in range(len(targets)))
        joins = "".join(
            f" LEFT JOIN label AS label{i} ON label{i}.target = ? AND label{i}.name = clip.name"
            for i in range(len(targets))
        )
        query = (
            f"SELECT clip.key, clip.speaker, clip.name, clip.text{columns} FROM clip{joins}"
            " WHERE clip.split = ? ORDER BY clip.key"
        )
        for key, speaker, name, text, *labels in self._database.cursor().execute(
            query, (*targets, split)
        ):
            translations = {t: label or "" for t, label in zip(targets, labels, strict=True)}
            yield Utterance(key, speaker, self.language, name, text, translations)

    def _count_rows(
        self, path: Path, malformed: list[str], counts: dict[str, int]
    ) -> Iterator[tuple[str, str, str]]:
        counts["used"] = 0
        for clip, translation, split in read_tsv(path, ("path", "translation", "split"), malformed):
            if split in SETS:
                counts["used"] += 1
                yield clip_name(clip), SETS[split], translation
            else:
                counts["other"] += 1

    def _add_labels(self, target: str, rows: Iterator[tuple[str, str, str]], path: Path) -> None:
        insert_clip = "INSERT OR IGNORE INTO clip (name, split) VALUES (?, ?)"
        insert_label = "INSERT OR IGNORE INTO label VALUES (?, ?, ?)"
        known = self._one("SELECT count(*) FROM clip") > 0
        for name, split, translation in rows:
            cursor = self._database.execute(insert_clip, (name, split))
            if known and cursor.rowcount == 0:
                query = "SELECT split FROM clip WHERE name = ?"
                (other,) = self._database.execute(query, (name,)).fetchone()
                if other != split:
                    raise ValueError(
                        f"{path} has {name} in the set {split}, but another direction has it in"
                        f" {other}: fetch the tables again."
                    )
            self._database.execute(insert_label, (name, target, translation))

    def _describe(self, row: list[str]) -> tuple[str, str, str, str]:
        name = clip_name(row[0])
        speaker = speaker_name(self.language, row[2] or name)
        return row[1], f"{speaker}-{name}", speaker, name

    def _counts(self, condition: str) -> dict[str, int]:
        query = f"SELECT split, count(*) FROM clip WHERE {condition} GROUP BY split"
        return {split: n for split, n in self._database.execute(query) if split != LEFT_OUT}

    def _one(self, query: str) -> int:
        return int(self._database.execute(query).fetchone()[0])


def clip_name(path: str) -> str:
    """Return the name of a clip without folder and ending.

    Args:
        path: The path in a table, such as `common_voice_fr_17299384.mp3`.

    >>> clip_name("common_voice_fr_17299384.mp3")
    'common_voice_fr_17299384'
    """
    return path.rpartition("/")[2].removesuffix(".mp3")


def speaker_name(language: str, client: str) -> str:
    """Return a short name of a speaker; Common Voice's own has 128 digits.

    Args:
        language: The spoken language.
        client: Common Voice's `client_id`.
    """
    return f"{language}_{hashlib.sha1(client.encode(), usedforsecurity=False).hexdigest()[:12]}"


def _draw(name: str) -> int:
    return zlib.crc32(name.encode())
