"""Compute the share of each language in a mini-batch."""

from collections.abc import Collection, Mapping

from espnet_soups.settings import require_number


def check_language_shares(shares: Mapping[str, float], languages: Collection[str]) -> None:
    """Check `language_shares`.

    Args:
        shares: Share of some languages, or of all.
        languages: All languages of the model.

    Raises:
        ValueError: If a language is unknown, a share is not a positive number, or the shares leave
            nothing for the languages that have none.
    """
    for language, share in shares.items():
        if language not in languages:
            raise ValueError(
                f"`language_shares` names {language!r}, but the languages of this run are"
                f" {', '.join(languages)}."
            )
        require_number(f"`language_shares` of {language}", share, finite=True)
        if share <= 0:
            raise ValueError(
                f"`language_shares` of {language} must be above 0, since every mini-batch holds"
                f" every language, but got {share}. To train without it, leave it out of"
                " `--asr_langs` and `--st_pairs` (in a YAML: out of the token lists)."
            )
    rest = [language for language in languages if language not in shares]
    if shares and rest and sum(shares.values()) >= 1:
        raise ValueError(
            f"`language_shares` sum to {sum(shares.values()):g}, which leaves nothing for"
            f" {', '.join(rest)}: name all languages, or shares that sum to less than 1."
        )


def share_languages(powers: Mapping[str, float], shares: Mapping[str, float]) -> dict[str, float]:
    """Return the share of each language; they sum to 1.

    Args:
        powers: Language to (its utterances)^alpha; languages without a share divide the rest in
            these proportions.
        shares: Checked shares; if every language has one, only their ratios count.

    >>> share_languages({"en": 1.0, "fr": 1.0, "it": 3.0}, {"fr": 0.5})
    {'en': 0.125, 'fr': 0.5, 'it': 0.375}
    """
    given = {name: float(share) for name, share in shares.items() if name in powers}
    rest = {name: power for name, power in powers.items() if name not in given}
    scale = 1.0 if rest else sum(given.values())
    left = 1.0 - sum(given.values())
    return {
        name: given[name] / scale if name in given else left * rest[name] / sum(rest.values())
        for name in powers
    }
