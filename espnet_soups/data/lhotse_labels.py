"""Make a data dir of utterances of lhotse: languages, speakers, texts and further tables."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from espnet_soups.data.data_dir import NO_LABEL, DataDir, is_text_file
from espnet_soups.data.lhotse_manifests import Spoken

SHOWN = 5  # names that a message lists


@dataclass(frozen=True)
class LabelFields:
    """Which fields of a supervision become which tables.

    Attributes:
        languages: Language of the manifest to ours; empty: as they are.
        language: Language of supervisions that name none; empty: they are refused.
        tables: Name of a table (`text.en`, `utt2emotion`) to a field of `custom`, or to another
            attribute of supervisions, such as `gender`.

    Raises:
        ValueError: If a name is not that of a table of labels.
    """

    languages: Mapping[str, str] = field(default_factory=dict)
    language: str = ""
    tables: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse names that no later stage reads."""
        for name in self.tables:
            label = name.removeprefix("utt2") if name.startswith("utt2") else ""
            if name == "text" or not (is_text_file(name) or label):
                raise ValueError(
                    f"`--tables` names a table {name!r}; expected `text.<language>=<field>` for"
                    " translations, or `utt2<label>=<field>`."
                )


def make_data_dir(path: Path, utterances: Mapping[str, Spoken], fields: LabelFields) -> DataDir:
    """Return the tables of a data dir; nothing is written.

    Args:
        path: Its folder.
        utterances: The utterances by id.
        fields: Which fields become which tables.

    Raises:
        ValueError: If there is no utterance, a language is missing or unknown, or a field occurs in
            no supervision.
    """
    if not utterances:
        raise ValueError(
            "The manifest has no supervisions, so there are no utterances with labels: add them"
            " (`CutSet.from_manifests`), or take the cuts as audio without labels by `--unlabeled"
            " true --language <name>`."
        )
    labelled = {key: u.supervision for key, u in utterances.items() if u.supervision is not None}
    labels = _labels(labelled, fields) if labelled else {}
    return DataDir(
        path=path,
        audio={key: str(item.place) for key, item in utterances.items()},
        languages=_languages(utterances, fields),
        # as in ESPnet, an utterance of an unknown speaker has one of its own
        speakers={
            key: _words(getattr(item.supervision, "speaker", None)).replace(" ", "_") or key
            for key, item in utterances.items()
        },
        labels=labels,
    )


def _languages(utterances: Mapping[str, Spoken], fields: LabelFields) -> dict[str, str]:
    found = {
        key: _words(getattr(item.supervision, "language", None)) or fields.language
        for key, item in utterances.items()
    }
    without = [key for key, language in found.items() if not language]
    if without:
        raise ValueError(
            f"{len(without):,} of {len(found):,} utterances have no language, such as"
            f" {without[0]}: name it by `--language`."
        )
    known = fields.languages
    foreign = [key for key, language in found.items() if known and language not in known]
    if foreign:
        names = sorted({found[key] for key in foreign})[:SHOWN]
        raise ValueError(
            f"{len(foreign):,} of {len(found):,} utterances have a language that `--languages` does"
            f" not name, such as {foreign[0]}: {', '.join(names)}; add it, rename it"
            f" (`{names[0]}=xx`), or take these utterances out of the manifest."
        )
    return {key: known.get(language, language) for key, language in found.items()}


def _labels(supervisions: Mapping[str, Any], fields: LabelFields) -> dict[str, dict[str, str]]:
    texts = {key: _words(item.text) or NO_LABEL for key, item in supervisions.items()}
    labels = {"text": texts}
    for name, wanted in fields.tables.items():
        table = {key: _value(item, wanted) for key, item in supervisions.items()}
        if not any(table.values()):
            known = sorted({n for item in supervisions.values() for n in item.custom or {}})
            raise ValueError(
                f"`--tables {name}={wanted}`: no supervision has a field {wanted!r}; their `custom`"
                f" has {_listed(known)}."
            )
        labels[name] = {key: value or NO_LABEL for key, value in table.items()}
    if len(labels) > 1 and all(text == NO_LABEL for text in texts.values()):
        del labels["text"]  # a set for other objectives than recognition
    return labels


def _value(supervision: Any, name: str) -> str:
    """Return a field of a supervision; empty: it has none."""
    custom = supervision.custom or {}
    value = custom[name] if name in custom else getattr(supervision, name, None)
    if value is not None and not isinstance(value, str | int | float):
        raise ValueError(
            f"Supervision {supervision.id} has a {type(value).__name__} in {name!r}, but a text or"
            " a number is expected."
        )
    return _words(value)


def _words(value: Any) -> str:
    """Return a value as one line of a table."""
    return "" if value is None else " ".join(str(value).split())


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names) or "no field"
