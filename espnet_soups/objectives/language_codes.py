"""Codes of languages, such as `fr`, `en_us`, `zh-TW` or `cmn_hans_cn`, and pairs of them.

A code is a language, then perhaps a script and a region, as in FLEURS, Common Voice, NLLB and
Whisper. The needs of a language depend on its first part, and on whether the script has Latin
letters.
"""

import re
from collections.abc import Collection, Iterable, Sequence
from locale import locale_alias

CHINESE = frozenset({"zh", "zho", "chi", "cmn"})
WITHOUT_SPACES = CHINESE | {
    *("yue", "wuu", "nan", "hak", "gan", "hsn", "cdo", "lzh"),  # further Chinese languages
    *("ja", "jpn", "th", "tha", "lo", "lao", "km", "khm", "my", "mya"),
    *("bo", "bod", "dz", "dzo"),  # Tibetan and Dzongkha
}
CODE = re.compile(r"[a-z]{2,3}([-_][A-Za-z]{4})?([-_]([A-Za-z]{2}|\d{3}))?([-_][A-Za-z0-9]{5,8})*")


def first_part(code: str) -> str:
    """Return the language of a code, without its script and region.

    Args:
        code: Code of a language.

    >>> first_part("zh-TW"), first_part("cmn_hans_cn"), first_part("FR")
    ('zh', 'cmn', 'fr')
    """
    return re.split("[-_.]", code.lower())[0]


def is_romanised(code: str) -> bool:
    """Return True if a code names a script in Latin letters.

    Args:
        code: Code of a language.

    >>> is_romanised("zh_Latn"), is_romanised("zh_Hans")
    (True, False)
    """
    return "latn" in re.split("[-_.]", code.lower())


def writes_spaces(code: str) -> bool:
    """Return True if a language is written with spaces between words.

    Args:
        code: Code of the language.

    >>> writes_spaces("en_us"), writes_spaces("zh_cn"), writes_spaces("th")
    (True, False, False)
    """
    return first_part(code) not in WITHOUT_SPACES or is_romanised(code)


def split_pair(pair: str, known: Collection[str] = ()) -> tuple[str, str]:
    """Return source and target of a pair, whose codes may themselves have underscores.

    If there are several readings, one whose codes are both known to the run is taken. Otherwise the
    codes must look like codes, their regions must speak the language, and the reading with more
    known codes is taken.

    Args:
        pair: The pair, such as `fr_en` or `en_us_pt_br`.
        known: Codes of the languages of the run.

    Raises:
        ValueError: If it is no pair, or has several readings.

    >>> split_pair("fr_en"), split_pair("en_us_fr"), split_pair("en_zh_cn", ["en"])
    (('fr', 'en'), ('en_us', 'fr'), ('en', 'zh_cn'))
    """
    readings = _readings(pair)
    if not readings:
        raise ValueError(
            f"A pair of `st_pairs` must look like `fr_en` (source_target), but got {pair!r}."
        )
    best = [reading for reading in readings if _known(reading, known) == 2] or readings
    for holds in (CODE.fullmatch, _is_spoken):
        best = [reading for reading in best if all(map(holds, reading))] or best
    most = max(_known(reading, known) for reading in best)
    best = [reading for reading in best if _known(reading, known) == most]
    if len(best) > 1:
        ways = " or ".join(f"{source} into {target}" for source, target in best)
        raise ValueError(
            f"The pair {pair!r} can be read as {ways}: name the languages that are spoken, by"
            " `--asr_langs` or `--languages` of run.sh (`languages` of the training configuration),"
            " or write codes with '-', such as en-us, in `utt2lang` and names of files, too."
        )
    return best[0]


def _readings(pair: str) -> list[tuple[str, str]]:
    """Return every split of a pair into two codes that neither begin nor end with `_`."""
    parts = pair.split("_")
    cuts = [("_".join(parts[:cut]), "_".join(parts[cut:])) for cut in range(1, len(parts))]
    return [cut for cut in cuts if all(code and code == code.strip("_") for code in cut)]


def _is_spoken(code: str) -> bool:
    """Return True if Python knows a language in a region; other codes pass."""
    parts = re.split("[-_]", code.lower())
    return len(parts) != 2 or len(parts[1]) != 2 or "_".join(parts) in locale_alias


def split_pairs(pairs: Sequence[str], known: Iterable[str] = ()) -> list[tuple[str, str]]:
    """Return source and target of each pair; clear pairs help to read the others.

    Args:
        pairs: The pairs, such as `fr_en`.
        known: Codes of the languages of the run.

    Raises:
        ValueError: If one is no pair, or has several readings.

    >>> split_pairs(["kam_ke_en", "de_en"])
    [('kam_ke', 'en'), ('de', 'en')]
    """
    codes = {*known, *codes_of(pairs)}
    return [split_pair(pair, codes) for pair in pairs]


def codes_of(pairs: Iterable[str]) -> set[str]:
    """Return the codes in those pairs that have a single reading.

    Args:
        pairs: The pairs, such as `fr_en`.

    >>> sorted(codes_of(["en_pt_br", "en_fr"]))
    ['en', 'fr']
    """
    return {code for pair in pairs if pair.count("_") == 1 for code in pair.split("_")}


def _known(reading: tuple[str, str], known: Collection[str]) -> int:
    return sum(code in known for code in reading)
