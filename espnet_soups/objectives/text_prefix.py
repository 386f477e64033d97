"""Tokens that tell a shared head which text to write, as in OWSM, with our codes of languages."""


def language_token(language: str) -> str:
    """Return the token of the language that is spoken, in ESPnet's manner: `<fr>`."""
    return f"<{language}>"


def task_token(kind: str, target: str | None) -> str:
    """Return the token of a task, and of the language that is written where it is another one.

    >>> task_token("asr", None), task_token("st", "en")
    ('<asr>', '<st_en>')
    """
    return f"<{kind}>" if target is None else f"<{kind}_{target}>"
