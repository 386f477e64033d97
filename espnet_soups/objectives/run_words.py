"""Reading of options of run.sh, with checks of lists, names and choices."""

import re
from collections.abc import Mapping, Sequence

MOST_BYTES = 200  # file systems allow 255, of which stamps and locks need some


def read_choice(option: str, run: Mapping[str, str], choices: Sequence[str]) -> str:
    """Return an option with a few valid values.

    Args:
        option: Name of the option.
        run: The options of run.sh.
        choices: The valid values, two or more.

    Raises:
        ValueError: If the value is not valid.

    >>> read_choice("bpemode", {"bpemode": "word"}, ("unigram", "bpe"))
    Traceback (most recent call last):
        ...
    ValueError: --bpemode must be unigram or bpe, but got word
    """
    value = run[option]
    if value not in choices:
        valid = f"{', '.join(choices[:-1])} or {choices[-1]}"
        raise ValueError(f"--{option} must be {valid}, but got {value or 'nothing'}")
    return value


def read_words(option: str, run: Mapping[str, str]) -> list[str]:
    """Return an option that is a list of words.

    Args:
        option: Name of the option.
        run: The options of run.sh.

    Raises:
        ValueError: If words are separated by commas.
    """
    value = run[option]
    if "," in value:
        words = re.sub(" *, *", " ", value)
        raise ValueError(
            f"words of --{option} are separated by white space, so write '{words}', but got"
            f" '{value}'"
        )
    return value.split()


def read_names(
    option: str, run: Mapping[str, str], pattern: str = ".*", meaning: str = "words"
) -> list[str]:
    """Return an option that is a list of names of files or folders.

    Args:
        option: Name of the option.
        run: The options of run.sh.
        pattern: Regular expression that each word must match.
        meaning: Description of valid words, for the message.

    Raises:
        ValueError: If a word does not match, would lead out of its folder, or is too long.

    >>> read_names("asr_langs", {"asr_langs": "en fr"})
    ['en', 'fr']
    """
    words = read_words(option, run)
    for word in words:
        if not re.fullmatch(pattern, word):
            raise ValueError(f"--{option} must be {meaning}, but got '{word}'")
        if word[0] in ".-" or "/" in word:
            raise ValueError(
                f"--{option} names folders, so it must hold no slash or white space and must not"
                f" begin with '.' or '-', but got '{word}'"
            )
        if len(word.encode()) > MOST_BYTES:
            raise ValueError(
                f"--{option} names folders, so it must have {MOST_BYTES} bytes or less, but has"
                f" {len(word.encode())}; give a shorter one by --{option}: '{word}'"
            )
    return words


def uses_of(option: str, words: Sequence[str]) -> list[list[str]]:
    """Return the values of each use of an option of `msp_train`.

    Args:
        option: The option, with its dashes.
        words: Words of a command line.

    >>> uses_of("--languages", ["--languages", "en", "fr", "--seed", "2", "--languages=de"])
    [['en', 'fr'], ['de']]
    """
    found: list[list[str]] = []
    inside = False
    for word in words:
        if word.startswith("--"):
            name, equals, value = word.partition("=")
            inside = name == option
            if inside:
                found.append([value] if equals else [])
        elif inside:
            found[-1].append(word)
    return found


def option_of(option: str, words: Sequence[str], key: str = "") -> str | None:
    """Return the last value of an option of `msp_train`, or of a key in it; None if it is not used.

    Args:
        option: The option, with its dashes.
        words: Words of a command line.
        key: Key in values such as `key=value`; empty for the value itself.

    >>> option_of("--encoder_conf", ["--encoder_conf", "input_layer=linear"], "input_layer")
    'linear'
    """
    values = [value for use in uses_of(option, words) for value in use[:1]]
    if key:
        pairs = [value.partition("=") for value in values]
        values = [value for name, _, value in pairs if name == key]
    return values[-1] if values else None
