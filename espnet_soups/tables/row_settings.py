"""What a row of a table sets of its training, as far as its cost depends on it."""

import re
from collections.abc import Mapping
from typing import Any

from espnet_soups.tables.budget import Measuring
from espnet_soups.tables.plan import Row

LAYER = re.compile(r"encoder\.(?:encoders|model\.encoder\.layers|model\.layers)\.(\d+)")
SECOND_FRAMES = 100  # of 10 ms


def read_settings(row: Row, config: Mapping[str, Any]) -> dict[str, Any]:
    """Gives `trainer_conf` of a row: the configuration's, changed by options and arguments."""
    settings = dict(config.get("trainer_conf") or {})
    settings |= {key: row.options[key] for key in ("soup", "combiner") if key in row.options}
    for word in row.train_args.get("trainer_conf", "").split():
        key, _, value = word.partition("=")
        settings[key] = value
    if "baseline" in row.options:
        settings["soup"] = "joint"
    return settings


def measuring_of(
    settings: Mapping[str, Any], blocks: int, pooled: bool, needs: str, reuses: bool = True
) -> Measuring:
    """Gives how a soup measures.

    Args:
        settings: Of the row.
        blocks: Of the encoder.
        pooled: Whether all languages are encoded at once.
        needs: What the combiner looks at, as `combiner_needs` says it.
        reuses: Whether the machine lets steps reuse what was measured.
    """
    if settings.get("soup") == "joint" or "Gram" not in needs:
        return Measuring(depth=0.0, pooled=pooled)
    layers = [int(number) for number in LAYER.findall(str(settings.get("layers", "all")))]
    depth = (blocks - min(layers)) / blocks if layers else 1.0  # `conflicting`: all, to be safe
    refresh = int(settings.get("refresh", 1))
    exact = settings.get("mode") == "exact"
    if exact and int(settings.get("exact_batches", 2)) == 3:
        reuses = False  # the step is made on another batch; reckoned as if rows took all of it
    return Measuring(depth, 1.0 if exact or refresh < 2 else 2.0 / refresh, pooled, reuses)


def crop_share(ssl: str, conf: Mapping[str, Any], clip_seconds: float) -> float:
    """Gives the share of the audio that self-supervision encodes, in a pass of its own.

    >>> crop_share("cpc", {"context_frames": 240, "future_frames": 120}, 5.0)
    0.48
    >>> crop_share("cpc", {"targets": "encoded"}, 5.0)
    0.72
    """
    if ssl == "none":
        return 0.0
    if ssl == "best_rq":
        return 1.0
    frames = conf.get("context_frames", 240)
    if conf.get("targets") == "encoded":
        frames += conf.get("future_frames", 120)
    return min(1.0, float(frames) / (SECOND_FRAMES * clip_seconds))
