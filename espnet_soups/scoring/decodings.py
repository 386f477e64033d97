"""Search for scored decodings: `<experiment>/<inference_tag>/<set>/scores.json`."""

from dataclasses import fields
from pathlib import Path

from espnet_soups.files import read_json
from espnet_soups.objectives.metrics.score_config import ScoreConfig
from espnet_soups.scoring.score_metrics import MADE_BY
from espnet_soups.scoring.score_set import SCORES
from espnet_soups.settings import read_settings as read_block

# Settings that two systems must share; those of the bootstrap are the comparison's own.
SETTINGS = [field.name for field in fields(ScoreConfig) if field.name not in ("resamples", "seed")]


def find_decodings(path: Path) -> dict[str, Path]:
    """Return the scored decodings of an experiment by `<inference_tag>/<set>`.

    Args:
        path: The experiment, or one of its decodings.

    Raises:
        OSError: If there is no such folder, or no scored decoding in it.
    """
    if not path.is_dir():
        raise FileNotFoundError(f"{path} is missing; name an experiment or one of its decodings.")
    if (path / SCORES).is_file():
        return {f"{path.resolve().parent.name}/{path.resolve().name}": path}
    found = {
        f"{file.parent.parent.name}/{file.parent.name}": file.parent
        for file in sorted(path.glob(f"*/*/{SCORES}"))
    }
    if not found:
        raise FileNotFoundError(f"{path} has no <inference_tag>/<set>/{SCORES}; run stage 12.")
    return found


def match_decodings(
    first: Path, second: Path, inference_tag: str | None = None, test_set: str | None = None
) -> list[tuple[Path, Path]]:
    """Pair the decodings of two experiments by tag and set.

    Two decodings given directly make a pair, whatever their tags; an experiment and a decoding are
    matched by the name of the latter.

    Args:
        first: An experiment, or one of its decodings.
        second: Another one.
        inference_tag: Tag to compare; None for all.
        test_set: Set to compare; None for all.

    Returns:
        The pairs of folders.

    Raises:
        OSError: If one of them has no scored decoding.
        ValueError: If nothing matches.
    """
    left, right = find_decodings(first), find_decodings(second)
    if (first / SCORES).is_file() and (second / SCORES).is_file():
        return [(first, second)]
    wanted = [
        name
        for name in left
        if name in right
        and inference_tag in (None, name.split("/")[0])
        and test_set in (None, name.split("/")[1])
    ]
    if not wanted:
        raise ValueError(
            f"{first} has {', '.join(left)} and {second} has {', '.join(right)}: nothing of the"
            " same name to compare. Name two folders <inference_tag>/<set> themselves."
        )
    return [(left[name], right[name]) for name in wanted]


def read_settings(
    first: Path, second: Path, resamples: int, seed: int
) -> tuple[ScoreConfig, Path | None]:
    """Read the settings with which two decodings were scored.

    Args:
        first: Folder of a decoding.
        second: Folder of another decoding of the same set.
        resamples: Number of resamples for the comparison.
        seed: Seed of the bootstrap.

    Returns:
        (the settings, the data dir of the references if it was recorded).

    Raises:
        ValueError: If a file is malformed or the settings differ.
    """
    one, two = (read_json(folder / SCORES, MADE_BY) for folder in (first, second))
    for name in SETTINGS:
        if one.get(name) != two.get(name):
            raise ValueError(
                f"{first} was scored with `{name}` {one.get(name)}, {second} with"
                f" {two.get(name)}; score them alike (stage 12)."
            )
    given = {name: one[name] for name in SETTINGS if name in one}
    place = f"{first / SCORES}"
    config = read_block(place, ScoreConfig, {**given, "resamples": resamples, "seed": seed})
    references = one.get("reference_dir") or two.get("reference_dir")
    if not isinstance(references, str | None):
        raise ValueError(f"{place}: `reference_dir` must be a text, but is {references!r:.80}.")
    return config, None if references is None else Path(references)
