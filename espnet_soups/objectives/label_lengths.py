"""Warnings, before training, of labels with more tokens than frames, which CTC leaves out."""

from collections.abc import Mapping, Sequence
from itertools import pairwise

from espnet_soups.data.data_dir import DataDir
from espnet_soups.objectives.kind import Options
from espnet_soups.objectives.registry import kind_of
from espnet_soups.objectives.run import Run
from espnet_soups.objectives.run_words import option_of

# Input frames per encoder frame, by ESPnet's `input_layer`.
SUBSAMPLING = {
    **{"linear": 1, "conv2d": 4, "conv2d1": 1, "conv2d2": 2, "conv2d6": 6, "conv2d8": 8},
    **{"conv1d2": 2, "conv1d3": 3},
}
ROUNDING = 2  # frames that a convolution may lose
MANY = 0.01  # share of labels up to which another `--stack` is good enough


def describe_long_labels(
    run: Run, data: DataDir, lengths: Mapping[str, int], token_type: str
) -> list[str]:
    """Count the labels that do not fit into their frames.

    Args:
        run: The run, with the options `stack` and `feats_type`.
        data: A set that stage 4 has filtered.
        lengths: Frames of each utterance before the encoder.
        token_type: `char`, or `bpe` once stage 5 has made the models.

    Returns:
        A warning for each objective with such labels; none if features are made by the model, or
        the `input_layer` of its encoder is unknown.

    Raises:
        ValueError: If no label of an objective fits.
    """
    factor = _subsampling(run)
    if factor is None:
        return []
    warnings = []
    for objective in run.objectives:
        cut = kind_of(objective).ctc_cutter(objective, run.run, run.options, token_type)
        if cut is None:
            continue
        labels = data.known_labels(objective.label_file, objective.language)
        if not labels:
            continue
        needed = {key: frames_needed(cut(text)) for key, text in labels.items()}
        place = f"{data.path / objective.label_file} ({objective.name})"
        try:
            found = _describe(needed, lengths, factor, int(run.run["stack"]))
        except ValueError as error:
            raise ValueError(f"{place}: {error}") from error
        if found is not None:
            longer = kind_of(objective).longer_tokens(token_type)
            warnings.append(f"{place}: {found}, or use longer tokens ({longer})")
    return warnings


def frames_needed(tokens: Sequence[object]) -> int:
    """Return the number of frames that CTC needs: one per token, and one between two equal ones.

    Args:
        tokens: The tokens of a label.

    >>> frames_needed("hello")
    6
    """
    return len(tokens) + sum(one == other for one, other in pairwise(tokens))


def _describe(
    needed: Mapping[str, int], lengths: Mapping[str, int], factor: int, stack: int
) -> str | None:
    def too_long(frames: float) -> int:
        slack = 0 if factor == 1 else ROUNDING
        return sum(number > lengths[key] * frames + slack for key, number in needed.items())

    now = too_long(1 / factor)
    if not now:
        return None
    others = {other: too_long(stack / other / factor) for other in range(stack - 1, 0, -1)}
    enough = [other for other, number in others.items() if number <= MANY * len(needed)]
    best = (enough or list(others)[-1:] or [0])[0]
    remedy = f"set `--stack {best}` (leaves out {others[best]:,})" if best else "use shorter frames"
    part = f"{now:,} of {len(needed):,} labels have more tokens than frames"
    if now == len(needed):
        raise ValueError(f"all {part}, so that CTC would leave out every one: {remedy}.")
    return f"{part} ({now / len(needed):.1%}), and CTC leaves them out in every epoch: {remedy}"


def _subsampling(run: Run) -> int | None:
    if run.run.get("feats_type") != "fbank":
        return None
    conf: Options = run.options.get("encoder_conf") or {}
    layer = option_of("--encoder_conf", run.run["train_args"].split(), "input_layer")
    return SUBSAMPLING.get(str(layer or conf.get("input_layer", "conv2d")))
