"""Rules for words that become the name of a file or folder, so that none leads out of its place."""

import hashlib
import unicodedata

MOST_BYTES = 200  # file systems take 255; suffixes need room, too


def require_file_name(what: str, name: str) -> None:
    """Refuse a word that cannot name one file or folder.

    Args:
        what: How the message calls it.
        name: The word.

    Raises:
        ValueError: If it is empty or too long, begins with `.` or `-`, or holds a slash, white
            space or a control character.

    >>> require_file_name("A language", "../fr")
    Traceback (most recent call last):
        ...
    ValueError: A language names files, so it must hold no slash, but got '../fr'.
    """
    problem = None
    if not name:
        problem = "must not be empty"
    elif "/" in name or "\\" in name:
        problem = "must hold no slash"
    elif any(letter.isspace() or unicodedata.category(letter) == "Cc" for letter in name):
        problem = "must hold no white space and no control character"
    elif name[0] in ".-":
        problem = f"must not begin with {name[0]!r}"
    elif len(name.encode()) > MOST_BYTES:
        problem = f"must have {MOST_BYTES} bytes or less"
    if problem is not None:
        raise ValueError(f"{what} names files, so it {problem}, but got {name!r}.")


def short_name(name: str, most: int) -> str:
    """Return a name that fits a limit: a longer one is cut and ends in a short digest of the whole.

    Args:
        name: The name.
        most: Its largest length, in letters.

    >>> short_name("en_fr", 20), short_name("en_fr_es_it_ru_de_ca", 18)
    ('en_fr', 'en_fr_es__514480c8')
    """
    if len(name) <= most:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:8]
    return f"{name[: most - len(digest) - 1]}_{digest}"
