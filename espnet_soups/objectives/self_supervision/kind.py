"""Self-supervision (SSL, the paper's U): one objective on the audio of all languages."""

import argparse
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from espnet_soups.objectives.kind import Heads, Kind, Options, Parts
from espnet_soups.objectives.objective import Objective

NONE = "none"
# Variance of the encoder output below which every frame looks alike.
COLLAPSED = 1e-4


class SelfSupervision(Kind):
    """Self-supervision by CPC or BEST-RQ: `ssl`, declared by the option `ssl`."""

    name: ClassVar[str] = "ssl"
    title: ClassVar[str] = "Self-supervision"
    sign: ClassVar[str] = "SSL"
    letters: ClassVar[Mapping[str, str]] = {"U": "ssl*"}
    left_out: ClassVar[str] = "Utterances too short for self-supervision took no part"

    def objective(self, name: str, settings: Options) -> Objective:
        """Return the one objective of this kind.

        Raises:
            ValueError: If the name is another.
        """
        if name != self.name:
            raise ValueError(f"The objective of self-supervision is named ssl, not {name!r}.")
        return Objective(self.name, self.name, supervised=False)

    def declared(self, options: Options) -> list[Objective]:
        """Return the objective if `ssl` names a method."""
        return [] if _method(options) == NONE else [self.objective(self.name, {})]

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        """Add its options to `msp_train`."""
        from espnet2.utils.nested_dict_action import NestedDictAction

        parser.add_argument(
            "--ssl", default=NONE, help="Objective `ssl` on audio alone: none, cpc or best_rq"
        )
        parser.add_argument(
            "--ssl_conf",
            action=NestedDictAction,
            default={},
            help="Its settings: context_frames=240 future_frames=120 ... or mask_frames=40 ...",
        )
        parser.add_argument(
            "--ssl_languages",
            nargs="*",
            default=[],
            help="Languages in utt2lang that no labelled objective speaks: audio for `ssl` alone",
        )

    def check(self, objectives: Sequence[Objective], args: argparse.Namespace) -> None:
        """Refuse settings of another method, and `ssl_languages` without a method.

        Raises:
            ValueError: If one is not valid.
        """
        from espnet_soups.objectives.self_supervision.config import read_ssl_config

        read_ssl_config(_method(vars(args)), args.ssl_conf)
        self.languages(vars(args))

    def languages(self, options: Options) -> list[str]:
        """Return the languages whose audio only this objective uses.

        Raises:
            ValueError: If there are some, but no self-supervision.
        """
        languages = list(options.get("ssl_languages") or [])
        if languages and _method(options) == NONE:
            raise ValueError(f"`ssl_languages` {languages} need `ssl: cpc` or `ssl: best_rq`.")
        return languages

    def build_heads(
        self, objectives: Sequence[Objective], args: argparse.Namespace, parts: Parts
    ) -> Heads:
        """Build the head for `ssl` and `ssl_conf`.

        Raises:
            ValueError: If a setting is not valid, or does not fit the frontend or the encoder.
        """
        from espnet_soups.objectives.self_supervision.build_head import build_ssl_head
        from espnet_soups.objectives.self_supervision.config import read_ssl_config

        config: Any = read_ssl_config(args.ssl, args.ssl_conf)
        preencoder: Any = parts.preencoder
        encoder: Any = parts.encoder
        head = build_ssl_head(args, config, preencoder, encoder, parts.feature_size)
        return Heads({objective.name: head for objective in objectives})

    def review_epoch(self, seen: int, left_out: int, watched: Mapping[str, float]) -> list[str]:
        """Check the statistics of an epoch of training, and return warnings.

        Raises:
            ValueError: If all utterances were left out.
        """
        if 0 < seen == left_out:
            raise ValueError(
                f"All {seen} utterances of the epoch are too short for `{self.name}`: lower"
                " `min_context_frames` and `future_frames` (cpc) or `mask_frames` (best_rq) of"
                " `ssl_conf`, or add longer audio."
            )
        variance = watched.get("encoder_variance", 1.0)
        if variance < COLLAPSED:
            return [
                f"The encoder has collapsed: the variance of its output is {variance:.2g}, so that"
                " all frames look alike."
            ]
        return []


def _method(options: Options) -> str:
    """Return `ssl`, `none` for configurations without it."""
    return options.get("ssl") or NONE
