"""Tokens that select the text of a shared head, as in OWSM, with our codes of languages."""


def language_token(language: str) -> str:
    """Return the token of the spoken language, in ESPnet's form: `<fr>`.

    Args:
        language: Code of the language.
    """
    return f"<{language}>"


def task_token(kind: str, target: str | None) -> str:
    """Return the token of a task, with the written language if it differs from the spoken one.

    Args:
        kind: Name of the kind of objective.
        target: Code of the written language; None if it is the spoken one.

    >>> task_token("asr", None), task_token("st", "en")
    ('<asr>', '<st_en>')
    """
    return f"<{kind}>" if target is None else f"<{kind}_{target}>"
