"""docs/large_machines.md and docs/machine_plans.md: what they show is what the command prints."""

import re
import shlex
from pathlib import Path

import pytest

from espnet_soups.tables.runs import defined_options
from tools.machine_plan.__main__ import main
from tools.machine_plan.memory import (
    branchformer_numbers,
    conformer_numbers,
    transformer_numbers,
)

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "large_machines.md"
PLANS_PAGE = ROOT / "docs" / "machine_plans.md"
PLAN = re.compile(
    r"```bash\npython -m tools\.machine_plan (?P<words>[^`]*)\n```\n\n"
    r"<!-- plan -->\n(?P<plan>.*?)<!-- end of plan -->",
    re.DOTALL,
)
PLANS = [match.groupdict() for match in PLAN.finditer(PLANS_PAGE.read_text(encoding="utf-8"))]


@pytest.mark.parametrize("shown", PLANS, ids=lambda shown: shown["words"][:30])
def test_the_page_shows_what_the_command_prints(shown, monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    main(shlex.split(shown["words"].replace("\\\n", " ")))
    assert shown["plan"] == capsys.readouterr().out


def test_the_page_has_plans_of_both_recipes_and_of_one_and_four_gpus():
    words = [shown["words"] for shown in PLANS]
    assert len(words) == 7
    for part in (
        "covost2",
        "e_branchformer",
        "xlsr",
        "whisper",
        "librispeech_aishell",
        "--gpus 1",
        "--gpus 4",
        "--gpu V100",
    ):
        assert any(part in line for line in words)


def test_the_summary_has_the_sums_of_the_plans_in_their_order():
    sums = re.compile(
        r"Sum of (\d+) different trainings: ([\d,]+) GPU hours, ([\d.]+) days of (\d) GPU"
        r".*?neediest row: ([\d,]+) s of audio",
        re.DOTALL,
    )
    printed = []
    for shown in PLANS:
        found = sums.search(shown["plan"])
        assert found is not None
        trainings, hours, days, gpus, seconds = found.groups()
        gpu = re.search(r"--gpu (\w+)", shown["words"])
        printed.append([f"{gpus} {gpu[1]}", trainings, hours, days, seconds])
    page = PAGE.read_text(encoding="utf-8")
    rows = re.findall(r"^\| (?:CoVoST|LibriSpeech).* \|$", page, re.MULTILINE)
    assert [[cell.strip() for cell in row.split("|")[2:-1]] for row in rows] == printed


def test_the_costs_of_a_soup_are_rows_of_the_plans_of_conformer_and_e_branchformer():
    page = PAGE.read_text(encoding="utf-8")
    rows = re.findall(r"^\| (?:joint|soup), .*?((?: \| [\d.]+){4}) \|$", page, re.MULTILINE)
    assert len(rows) == 4
    for numbers in rows:
        cells = numbers.split(" | ")[1:]
        for plan, ratio, hours in zip(PLANS, cells[::2], cells[1::2], strict=False):
            assert f" | {ratio} | 0 | {hours} | " in plan["plan"]


def test_options_that_the_page_names_exist():
    text = PAGE.read_text(encoding="utf-8")
    block = text[text.index("## Commands") : text.index("```\n\n`conf/slurm.conf`")]
    known = defined_options(ROOT / "egs2" / "TEMPLATE" / "msp1" / "msp.sh")
    used = {name for name in re.findall(r"--(\w+)", block) if name != "dry"}
    assert {"ngpu", "gpu_inference", "inference_nj", "train_config", "nj", "stop_stage"} == used
    assert used <= known


def saved_numbers(blocks: int, width: int, inner: int, heads: int, frames: int) -> int:
    """Count what autograd keeps of a forward pass through ESPnet's Conformer, in numbers."""
    import torch
    from espnet2.asr.encoder.conformer_encoder import ConformerEncoder

    torch.manual_seed(0)
    encoder = ConformerEncoder(
        input_size=320,
        output_size=width,
        attention_heads=heads,
        linear_units=inner,
        num_blocks=blocks,
        input_layer="linear",
        macaron_style=True,
        rel_pos_type="latest",
        pos_enc_layer_type="rel_pos",
        selfattention_layer_type="rel_selfattn",
        activation_type="swish",
        use_cnn_module=True,
        cnn_module_kernel=31,
        dropout_rate=0.0,  # on a CPU its masks have four bytes, on a GPU one
        positional_dropout_rate=0.0,
        attention_dropout_rate=0.0,
    ).train()
    return kept_numbers(encoder, torch.randn(4, frames, 320), torch.full((4,), frames))


def kept_numbers(encoder, speech, lengths) -> int:
    """Count what autograd keeps of a forward pass, parameters aside, in numbers."""
    import torch

    own = {parameter.untyped_storage().data_ptr() for parameter in encoder.parameters()}
    kept: dict[int, int] = {}
    alive = []

    def note(tensor):
        alive.append(tensor)  # so that no address comes twice
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        encoder(speech, lengths)
    return sum(kept.values()) // 4


@pytest.mark.parametrize(
    ("width", "inner", "heads", "frames"), [(64, 256, 4, 60), (96, 192, 2, 30)]
)
def test_a_block_keeps_no_more_than_the_formula_says_and_not_much_less(width, inner, heads, frames):
    one, three = (saved_numbers(n, width, inner, heads, frames) for n in (1, 3))
    masks = (4 * width + 2 * inner + heads * frames) / 4
    measured = (three - one) / 2 / (4 * frames) + masks
    reckoned = conformer_numbers(width, inner, heads, frames)
    assert measured <= reckoned <= 1.15 * measured


@pytest.mark.parametrize(
    ("width", "inner", "gated", "frames", "macaron"),
    [(64, 256, 256, 60, True), (96, 192, 384, 30, False)],
)
def test_a_block_of_an_e_branchformer_keeps_no_more_than_the_formula_says_and_not_much_less(
    width, inner, gated, frames, macaron
):
    import torch
    from espnet2.asr.encoder.e_branchformer_encoder import EBranchformerEncoder

    torch.manual_seed(0)
    kept = []
    for blocks in (1, 3):
        encoder = EBranchformerEncoder(
            input_size=320,
            output_size=width,
            attention_heads=4,
            linear_units=inner,
            cgmlp_linear_units=gated,
            num_blocks=blocks,
            input_layer="linear",
            use_ffn=True,
            macaron_ffn=macaron,
            ffn_activation_type="swish",
            rel_pos_type="latest",
            dropout_rate=0.0,  # on a CPU its masks have four bytes, on a GPU one
            positional_dropout_rate=0.0,
            attention_dropout_rate=0.0,
        ).train()
        lengths = torch.full((4,), frames)
        kept.append(kept_numbers(encoder, torch.randn(4, frames, 320), lengths))
    feed_forwards = 1 + macaron
    masks = ((3 + feed_forwards) * width + gated / 2 + feed_forwards * inner + 4 * frames) / 4
    measured = (kept[1] - kept[0]) / 2 / (4 * frames) + masks
    reckoned = branchformer_numbers(width, inner, gated, 4, frames, feed_forwards)
    assert measured <= reckoned <= 1.15 * measured


@pytest.mark.parametrize(("width", "inner"), [(64, 256), (96, 192)])
def test_a_block_of_whisper_keeps_no_more_than_the_formula_says_and_not_much_less(width, inner):
    import torch

    from espnet_soups.backbone.whisper import WhisperEncoder

    torch.manual_seed(0)
    kept = []
    for blocks in (1, 3):
        architecture = {"d_model": width, "encoder_layers": blocks, "encoder_ffn_dim": inner}
        architecture |= {"encoder_attention_heads": 4, "decoder_layers": 1, "num_mel_bins": 8}
        architecture["decoder_attention_heads"] = 4
        encoder = WhisperEncoder(8, architecture=architecture, freeze="feature_extractor").train()
        kept.append(kept_numbers(encoder, torch.randn(4, 120, 8), torch.full((4,), 120)))
    dropout = (2 * width + inner) / 4 + inner  # masks of a byte, and what is left of the inner part
    measured = (kept[1] - kept[0]) / 2 / (4 * 60) + dropout
    reckoned = transformer_numbers(width, inner)
    assert measured <= reckoned <= 1.15 * measured
