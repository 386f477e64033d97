"""A search that the head cannot do is refused before there is a token list or a model file."""

from typing import Any

import pytest
import torch

from espnet_soups.objectives.decoding.decode_config import read_decode_config
from espnet_soups.objectives.decoding.text_search import SearchPlan
from espnet_soups.objectives.heads.shared_head import HeadView
from espnet_soups.objectives.heads.text_head import TextHead
from espnet_soups.objectives.recognition import WINDOW_MARGIN
from espnet_soups.objectives.registry import kind_of, parse_objective
from espnet_soups.objectives.text_kind import STAND_IN, TextKind


def head(parts: str, shared: bool = False) -> TextHead | HeadView:
    ctc: Any = torch.nn.Identity() if "ctc" in parts else None
    decoder: Any = torch.nn.Identity() if "attention" in parts else None
    tokens = [*STAND_IN[:2], "<fr>", *STAND_IN[2:]] if shared else STAND_IN
    inner = TextHead(tokens, ctc, decoder, 0.5)
    return HeadView(inner, STAND_IN, ("<fr>",)) if shared else inner


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize(
    ("name", "parts", "options", "plan"),
    [
        ("asr_fr", "ctc", {}, SearchPlan(1.0, True, WINDOW_MARGIN)),
        ("asr_fr", "ctc", {"asr_method": "ctc_prefix"}, SearchPlan(1.0, False, WINDOW_MARGIN)),
        (
            "asr_fr",
            "ctc attention",
            {"asr_method": "hybrid", "ctc_weight": 0.4},
            SearchPlan(0.4, False, WINDOW_MARGIN),
        ),
        (
            "asr_fr",
            "attention",
            {"asr_method": "hybrid", "ctc_weight": 0},
            SearchPlan(0.0, False, WINDOW_MARGIN),
        ),
        ("st_fr_en", "attention", {}, SearchPlan(0.0)),
        ("st_fr_en", "ctc", {}, SearchPlan(1.0)),
        ("st_fr_en", "ctc attention", {"st_ctc_weight": 0.3}, SearchPlan(0.3)),
    ],
)
def test_a_head_is_searched_as_the_options_say(
    name: str, parts: str, options: dict, plan: SearchPlan, shared: bool
):
    objective = parse_objective(name)
    kind = kind_of(objective)
    assert isinstance(kind, TextKind)
    config = read_decode_config(options)
    assert kind.plan_search(objective, head(parts, shared), config) == plan
    kind.check_decoding(objective, head(parts, shared), config)


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize(
    ("name", "parts", "options", "message"),
    [
        ("asr_fr", "ctc", {"asr_method": "hybrid"}, "attention decoder.*asr_fr.*use ctc_greedy"),
        ("asr_fr", "attention", {}, "`asr_method: ctc_greedy` needs CTC.*asr_fr.*use `hybrid`"),
        ("asr_fr", "attention", {"asr_method": "hybrid"}, "`ctc_weight: 0.3` needs CTC.*to 0"),
        ("st_fr_en", "attention", {"st_ctc_weight": 0.3}, "needs ST-CTC, but the head of st_fr_en"),
    ],
)
def test_a_head_that_lacks_what_a_search_needs_is_refused(
    name: str, parts: str, options: dict, message: str, shared: bool
):
    objective = parse_objective(name)
    with pytest.raises(ValueError, match=message):
        kind_of(objective).check_decoding(
            objective, head(parts, shared), read_decode_config(options)
        )


def test_a_kind_that_decodes_nothing_takes_any_options():
    config = read_decode_config({"asr_method": "hybrid"})
    kind_of(parse_objective("ssl")).check_decoding(parse_objective("ssl"), head("ctc"), config)
