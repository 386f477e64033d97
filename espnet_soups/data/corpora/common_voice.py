"""Find Common Voice on disk, and say how to get what is missing."""

import logging
from pathlib import Path

RELEASE = "cv-corpus-4-2019-12-10"  # the release that CoVoST 2 was made from
# Size of the archive of RELEASE, GB.
ARCHIVE_GB = {"en": 41.4, "de": 15.1, "fr": 11.6, "ca": 8.2, "es": 6.2}
ADVICE = (
    f"Common Voice ({RELEASE}) cannot be fetched by a script: it has no public address. Log in at"
    " https://mozilladatacollective.com, take that release for each language, unpack it, and name"
    " the folder in db.sh (COMMONVOICE=...). These folders are found: <folder>/<language>,"
    f" <folder>/{RELEASE}/<language>, <folder>/<language>/{RELEASE}/<language>; each holds"
    " validated.tsv and clips/. A later release works too, but lacks some clips."
)


def find_language(root: Path, language: str) -> Path | None:
    """Find the folder of a language, in any layout that archives and other toolkits leave.

    Args:
        root: The folder that the user names; the folder of the language itself is accepted, too.
        language: Common Voice's code, such as `fr` or `zh-CN`.

    Returns:
        The folder that holds `validated.tsv` and `clips/`, preferably of the release of CoVoST 2;
        None: there is no such folder.
    """
    if not root.is_dir():
        return None
    releases = sorted(root.glob("cv-corpus-*"), key=lambda path: (path.name != RELEASE, path.name))
    inner = sorted(
        (root / language).glob("cv-corpus-*"), key=lambda path: (path.name != RELEASE, path.name)
    )
    candidates = [*(folder / language for folder in (*releases, *inner)), root / language]
    if root.name == language:
        candidates.append(root)
    for folder in candidates:
        if (folder / "validated.tsv").is_file() and (folder / "clips").is_dir():
            others = [part for part in folder.parts if part.startswith("cv-corpus-")]
            if others and others[-1] != RELEASE:
                logging.warning(
                    f"{folder} is not {RELEASE}, of which CoVoST 2 was made: some clips will be"
                    " missing, and scores will not be quite comparable"
                )
            return folder
    return None


def describe_missing(root: Path, language: str) -> str:
    """Return which part of a language is missing and how to get it, in one sentence.

    Args:
        root: The folder that the user names.
        language: Common Voice's code, such as `fr`.
    """
    names = [f"{RELEASE}-{language}.tar.gz", f"{language}.tar.gz"]
    places = [root, root / language, root / RELEASE, root.parent]
    archives = [place / name for place in places for name in names if (place / name).is_file()]
    if archives:
        return f"{language}: unpack it with `tar xzf {archives[0]} -C {root}`"
    for folder in (
        root / language,
        root / RELEASE / language,
        root / language / RELEASE / language,
    ):
        if folder.is_dir():
            lacking = [name for name in ("validated.tsv", "clips") if not (folder / name).exists()]
            return f"{language}: {folder} lacks {' and '.join(lacking) or 'a folder clips'}"
    size = f", {ARCHIVE_GB[language]} GB" if language in ARCHIVE_GB else ""
    return f"{language}: there is no folder of it (archive {names[0]}{size})"
