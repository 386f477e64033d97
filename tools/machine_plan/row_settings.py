"""Read the settings of a row of a table on which the cost of its training depends."""

import re
from collections.abc import Mapping
from typing import Any

from espnet_soups.tables.plan import Row
from tools.machine_plan.shapes import Measuring

LAYER = re.compile(r"encoder\.(?:encoders|model\.encoder\.layers|model\.layers)\.(\d+)")
SECOND_FRAMES = 100  # frames of 10 ms in a second


def read_settings(row: Row, config: Mapping[str, Any]) -> dict[str, Any]:
    """Return `trainer_conf` of a row: that of the configuration, changed by options and arguments.

    Args:
        row: The row.
        config: Training configuration.
    """
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
    """Return how a soup measures.

    Args:
        settings: Settings of the row.
        blocks: Number of blocks of the encoder.
        pooled: Whether all languages are encoded at once.
        needs: Input of the combiner, from `combiner_needs`.
        reuses: Whether the machine lets steps reuse measured gradients.
    """
    joint = settings.get("soup") == "joint" and settings.get("combiner") != "measure_only"
    normalised = settings.get("gradient_norm") == "rows"  # its steps always need norms
    if (joint or "Gram" not in needs) and not normalised:
        return Measuring(depth=0.0, pooled=pooled)
    wanted = settings.get("layers", "all")
    layers = [int(number) for number in LAYER.findall(str(wanted))]
    depth = (blocks - min(layers)) / blocks if layers else 1.0  # `conflicting`: all, to be safe
    exact = settings.get("mode") == "exact"
    third = exact and int(settings.get("exact_batches", 2)) == 3  # counted as if rows took all
    elsewhere = settings.get("acts_on") == "measured"
    return Measuring(
        depth=depth,
        steps=1.0 if exact else 1.0 / max(1, int(settings.get("refresh", 1))),
        pooled=pooled,
        reused=reuses and not third and not elsewhere,
        elsewhere=elsewhere and wanted != "all",
    )


def crop_share(ssl: str, conf: Mapping[str, Any], clip_seconds: float) -> float:
    """Return the share of the audio that self-supervision encodes, in a pass of its own.

    Args:
        ssl: Method of self-supervision: `cpc`, `best_rq` or `none`.
        conf: Its settings.
        clip_seconds: Mean length of an utterance.

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
