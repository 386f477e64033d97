"""What may be the name of a file or folder: no word of a user's leads out of its place."""

import unicodedata

MOST_BYTES = 200  # file systems take 255; what is added to a name needs room, too


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
