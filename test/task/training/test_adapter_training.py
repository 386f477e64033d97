"""Adapters through a whole run: start, resume, average, decode, export."""

import shutil

import kaldiio
import pytest
import torch
from soup_options import SOUP
from trained_runs import assert_same_end, load

pytest.importorskip("loralib", reason="needs pip install 'espnet-soups[lora]'")

ADAPTED = ("--use_adapter", "true", "--adapter_conf", "rank=2", "--trainer_conf", "layers=adapters")


@pytest.fixture(scope="module")
def options(joint_run):
    return (*SOUP, *ADAPTED, "--init_param", str(joint_run / "valid.loss.ave.pth"))


@pytest.fixture(scope="module")
def adapted_run(runs, options):
    """Two epochs of a soup on adapters of a model that was trained without any."""
    return runs.train("adapted", *options, "--max_epoch", "2")


def test_the_base_rests_to_the_bit_in_epochs_and_in_their_average(joint_run, adapted_run):
    base = load(joint_run / "valid.loss.ave.pth")
    for name in ("1epoch.pth", "2epoch.pth", "valid.loss.ave.pth"):
        found = load(adapted_run / name)
        adapters = {key for key in found if ".lora_" in key}
        assert found.keys() - adapters == base.keys()
        assert len(adapters) == 8
        assert all(found[key].abs().sum() > 0 for key in adapters)
        rests = [key for key in base if key.startswith("encoder.")]
        assert all(torch.equal(found[key], base[key]) for key in rests)
        assert any(not torch.equal(found[key], base[key]) for key in base if "heads." in key)


def test_a_resumed_run_equals_the_uninterrupted_one(runs, options, adapted_run):
    runs.train("adapted_stopped", *options, "--max_epoch", "1")
    assert_same_end(runs.train("adapted_stopped", *options, "--max_epoch", "2"), adapted_run)


@pytest.mark.parametrize(
    ("source", "adapted", "message"),
    [
        ("joint", True, "was trained without adapters, but this run has some"),
        ("adapted", False, "was trained with adapters, but this run has none"),
    ],
)
def test_a_checkpoint_with_and_a_run_without_adapters_do_not_mix(
    request, runs, joint_run, source, adapted, message
):
    folder = runs.root / f"mixed_{source}"
    shutil.copytree(request.getfixturevalue(f"{source}_run"), folder, symlinks=True)
    start = ("--init_param", str(joint_run / "valid.loss.ave.pth"))
    words = (*ADAPTED[:4], *start) if adapted else ()
    with pytest.raises(ValueError, match=message):
        runs.train(folder.name, *words, "--max_epoch", "4")


def test_a_file_with_adapters_is_no_start_for_a_model_without(runs, adapted_run):
    with pytest.raises(ValueError, match=r"\(`init_param`\) was trained with adapters, but this"):
        runs.train("no_start", "--init_param", str(adapted_run / "2epoch.pth"))


def test_decoding_and_export_take_the_merged_weights(runs, adapted_run, tmp_path):
    from espnet_soups import Speech2Text
    from espnet_soups.inference.export import export_objective

    speech2text = Speech2Text.from_pretrained(adapted_run, model_file="2epoch.pth")
    table = kaldiio.load_scp(str(runs.root / "valid" / "feats.scp"))
    key = next(key for key in table if key.startswith("fr"))
    assert isinstance(speech2text(table[key], lang="fr").transcript.text, str)
    path = export_objective(adapted_run, "asr_fr", tmp_path / "stock", "2epoch.pth")
    trained, exported = load(adapted_run / "2epoch.pth"), load(path)
    name = "encoder.encoders.0.attn.linear_q"
    factors = trained[f"{name}.lora_B"] @ trained[f"{name}.lora_A"]
    expected = trained[f"{name}.weight"] + factors * (8 / 2)  # alpha / rank
    assert torch.allclose(exported[f"{name}.weight"], expected, atol=1e-6)
    assert not torch.equal(exported[f"{name}.weight"], trained[f"{name}.weight"])
    assert not any(".lora_" in key for key in exported)
