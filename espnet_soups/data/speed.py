"""Play utterances at other speeds."""

from collections.abc import Mapping
from pathlib import Path

from espnet_soups.data.data_dir import DataDir

SLOWEST, FASTEST = 0.5, 2.0


def perturb_speed(data: DataDir, factors: list[float], path: Path) -> DataDir:
    """Return a set in which every utterance occurs at every speed.

    The audio files stay as they are; `utt2speed` tells stage 3 what to do. A copy is named after
    its speed, `sp0.9-<id>`, but no name is ever read as a speed: ids of a corpus may look so.

    Args:
        data: The set; if it has speeds itself, they are multiplied.
        factors: Speeds; 1.0 keeps the id.
        path: Folder of the new set.

    Returns:
        The new set.

    Raises:
        ValueError: If a factor lies outside [0.5, 2] or occurs twice, or an utterance has the name
            of another one's copy.
    """
    if len(set(factors)) != len(factors) or not all(SLOWEST <= f <= FASTEST for f in factors):
        raise ValueError(
            f"`--speed_perturb_factors` must be different numbers in [0.5, 2], but got {factors}."
        )
    names = {f: "" if f == 1.0 else f"sp{f:g}-" for f in factors}
    for prefix in filter(None, names.values()):
        taken = next((key for key in data.audio if prefix + key in data.audio), None)
        if taken is not None:
            raise ValueError(
                f"{data.path} has {taken} and {prefix}{taken}, which is what stage 2 would name a"
                " copy: the set is perturbed already; leave `--speed_perturb_factors` empty, or"
                " rename its utterances."
            )

    def repeat(table: Mapping[str, str], prefix_value: bool = False) -> dict[str, str]:
        return {
            prefix + key: (prefix + value if prefix_value else value)
            for prefix in names.values()
            for key, value in table.items()
        }

    return DataDir(
        path=path,
        audio=repeat(data.audio),
        languages=repeat(data.languages),
        speakers=repeat(data.speakers, prefix_value=True),
        labels={name: repeat(table) for name, table in data.labels.items()},
        groups=repeat(data.groups),  # copies are no new evidence, so they share a group
        speeds={
            prefix + key: f"{factor * speed_of(data, key):g}"
            for factor, prefix in names.items()
            for key in data.audio
        },
        audio_labels={name: repeat(table) for name, table in data.audio_labels.items()},
    )


def speed_of(data: DataDir, key: str) -> float:
    """Return the speed at which an utterance is played: 1 if the set has no `utt2speed`.

    Args:
        data: The set.
        key: Utterance id.

    Raises:
        ValueError: If the speed is not a number that stage 3 can play.
    """
    if not data.speeds:
        return 1.0
    word = data.speeds[key]
    try:
        speed = float(word)
    except ValueError:
        speed = 0.0
    if not 0.1 <= speed <= 10.0:
        raise ValueError(
            f"{data.path / 'utt2speed'}: {key} has speed {word!r}; expected a number such as 0.9."
        )
    return speed
