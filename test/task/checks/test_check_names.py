"""Names that match nothing never pass for names that do."""

import pytest
import torch

from espnet_soups.task.checks.check_names import check_parameters
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


def test_a_module_is_not_taken_for_a_namesake_whose_name_is_longer(tmp_path):
    from espnet2.torch_utils.load_pretrained_model import load_pretrained_model

    model = torch.nn.ModuleDict({name: torch.nn.Linear(2, 2) for name in ("asr_en", "asr_en_us")})
    given = {name: torch.ones_like(value) for name, value in model.state_dict().items()}
    torch.save(given, tmp_path / "a.pth")
    for asked, layers in (("asr_en:asr_en", ["asr_en"]), ("asr_en:asr_en:", ["asr_en"])):
        setting = check_init_param(f"{tmp_path}/a.pth:{asked}", model.state_dict())
        load_pretrained_model(setting, model, False)
        assert [name for name in model if bool((model[name].weight == 1).all())] == layers
    setting = f"{tmp_path}/a.pth:asr_en_us:asr_en_us"
    assert check_init_param(setting, model.state_dict()) == setting


def test_sizes_that_are_not_known_yet_do_not_matter_but_names_do(tmp_path):
    torch.save({"heads.asr.out": torch.zeros(9, 2)}, tmp_path / "a.pth")
    model = {"heads.asr.out": torch.zeros(4, 2)}
    check_init_param(f"{tmp_path}/a.pth", model, sized=lambda name: not name.startswith("heads."))
    check_init_param(f"{tmp_path}/a.pth:heads:heads", model, sized=lambda n: n != "heads.asr.out")
    for wrong in ({"heads.asr.out": torch.zeros(4)}, {"heads.st.out": torch.zeros(9, 2)}):
        with pytest.raises(ValueError, match=r"\(`init_param`\) is of another configuration"):
            check_init_param(f"{tmp_path}/a.pth", wrong, sized=lambda name: False)
