"""Kaldi-style text files, `key value…` a line, read with the line number of whatever is wrong."""

from pathlib import Path


def read_text(path: Path) -> dict[str, str]:
    """Read a file of keys and texts.

    Args:
        path: A UTF-8 file; a line that holds a key alone has the empty text.

    Returns:
        The text of each key in the order of the file, runs of white space made one space.

    Raises:
        OSError: If the file cannot be read.
        ValueError: If a line is not UTF-8 or empty, or a key comes twice.
    """
    texts: dict[str, str] = {}
    for number, line in enumerate(_lines(path), start=1):
        try:
            words = line.decode("utf-8").split()
        except UnicodeDecodeError as error:
            raise ValueError(
                f"{path}, line {number} is not UTF-8 ({error.reason} at byte {error.start + 1});"
                " convert the file, e.g. with iconv."
            ) from error
        if not words:
            raise ValueError(f"{path}, line {number} is empty; each line needs a key.")
        if words[0] in texts:
            raise ValueError(f"{path}, line {number} repeats the key {words[0]}; keep one of them.")
        texts[words[0]] = " ".join(words[1:])
    return texts


def _lines(path: Path) -> list[bytes]:
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing; the stage that writes it has not run.")
    # Only "\n" ends a line: str.splitlines would cut at U+2028 inside a text.
    return path.read_bytes().removesuffix(b"\n").split(b"\n") if path.stat().st_size else []
