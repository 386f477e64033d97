"""Names that match nothing never pass for names that do."""

import pytest
import torch

from espnet_soups.task.checks.check_names import check_parameters, check_targets
from espnet_soups.task.training.checkpoint import check_init_param

NAMES = ["encoder.encoders.0.weight", "encoder.encoders.1.weight", "heads.asr_fr.ctc.bias"]


@pytest.mark.parametrize("prefix", ["encoder", "encoder.encoders.1", "heads.asr_fr.ctc.bias"])
def test_modules_and_parameters_are_found(prefix):
    check_parameters("freeze_param", [prefix], NAMES)


@pytest.mark.parametrize("prefix", ["encoder.", "encoder.encoders.2", "enc", "heads.asr_f", ""])
def test_what_espnet_would_pass_over_is_refused(prefix):
    with pytest.raises(ValueError, match=f"^`freeze_param` names '{prefix}', which matches no"):
        check_parameters("freeze_param", [prefix], NAMES)


def test_a_prefix_that_leaves_nothing_out_is_refused_with_the_closest_names(tmp_path):
    tensors = {"encoder.weight": torch.zeros(1), "decoder.weight": torch.zeros(1)}
    torch.save(tensors, tmp_path / "a.pth")
    check_init_param(f"{tmp_path}/a.pth:::decoder", tensors)
    with pytest.raises(ValueError, match=r"leaves out 'decodr', but .*closest: \['decoder.weight"):
        check_init_param(f"{tmp_path}/a.pth:::decodr", tensors)


def test_a_target_of_an_adapter_that_is_no_module_is_refused_beside_one_that_is():
    check_targets(
        ["linear_q", "self_attn.linear_v"], ["a.self_attn.linear_q", "self_attn.linear_v"]
    )
    with pytest.raises(ValueError, match=r"names 'linear_k', which .*\(closest: linear_q\)"):
        check_targets(["linear_q", "linear_k"], ["a.self_attn.linear_q"])
