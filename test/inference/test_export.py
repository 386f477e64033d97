"""An exported objective is decoded by ESPnet's own inference to the same text."""

from pathlib import Path

import kaldiio
import numpy as np
import pytest
import torch

from espnet_soups import Speech2Text
from espnet_soups.inference.export import export_objective
from espnet_soups.testing.toy_corpus import ToyExperiment

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of ESPnet's inference


def some_features(experiment: ToyExperiment, language: str) -> list[np.ndarray]:
    table = kaldiio.load_scp(str(experiment.corpus.root / "valid" / "feats.scp"))
    return [np.array(table[key]) for key in table if key.startswith(language)][:4]


def decode_stock(folder: Path, task: str, speeches: list[np.ndarray], **options):
    """Decode with what a user of ESPnet has and return (text, ids, score) of each utterance."""
    if task == "asr":
        from espnet2.bin.asr_inference import Speech2Text as StockSpeech2Text
    else:
        from espnet2.bin.st_inference import Speech2Text as StockSpeech2Text
    stock = StockSpeech2Text(folder / "config.yaml", folder / "model.pth", **options)
    found = []
    for speech in speeches:
        text, _, token_int, hypothesis = stock(speech)[0]
        found.append((text, tuple(token_int), float(hypothesis.score)))
    return found


@pytest.mark.parametrize(
    ("kind", "objective", "ours", "stock"),
    [
        ("separate", "asr_fr", {"asr_method": "ctc_prefix"}, {"ctc_weight": 1.0}),
        ("separate", "st_fr_en", {}, {}),
        (
            "hybrid",
            "asr_es",
            {"asr_method": "hybrid", "ctc_weight": 0.4, "penalty": 0.3},
            {"ctc_weight": 0.4, "penalty": 0.3},
        ),
        ("hybrid", "st_es_en", {"st_ctc_weight": 0.3}, {"ctc_weight": 0.3}),
        (
            "shared",  # has hardly learnt: left alone, it says nothing
            "asr_fr",
            {"asr_method": "hybrid", "ctc_weight": 0.3, "minlenratio": 0.2},
            {"ctc_weight": 0.3, "minlenratio": 0.2},
        ),
        ("shared", "st_fr_en", {"maxlenratio": 0.5}, {"maxlenratio": 0.5}),
    ],
)
def test_espnet_decodes_an_exported_objective_to_the_same_text(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
    objective: str,
    ours: dict,
    stock: dict,
):
    experiment: ToyExperiment = request.getfixturevalue(kind)
    task, language = objective.split("_")[:2]
    speeches = some_features(experiment, language)
    speech2text = Speech2Text.from_pretrained(experiment.exp_dir, beam_size=4, **ours)
    expected = [speech2text(speech, lang=language).nbest[objective][0] for speech in speeches]
    assert any(found.text for found in expected)
    path = export_objective(experiment.exp_dir, objective, tmp_path / "stock")
    assert path == tmp_path / "stock" / "model.pth"
    monkeypatch.chdir(tmp_path)  # the export is found from anywhere
    found = decode_stock(tmp_path / "stock", task, speeches, beam_size=4, **stock)
    assert [text for text, _, _ in found] == [hypothesis.text for hypothesis in expected]
    assert [ids for _, ids, _ in found] == [hypothesis.token_int for hypothesis in expected]
    scores = [hypothesis.score for hypothesis in expected]
    assert [score for _, _, score in found] == pytest.approx(scores, abs=1e-3)


def test_greedy_recognition_is_the_best_class_of_each_frame_of_the_exported_model(
    separate: ToyExperiment, tmp_path: Path
):
    from espnet2.bin.asr_inference import Speech2Text as StockSpeech2Text

    speech2text = Speech2Text.from_pretrained(separate.exp_dir)  # ctc_greedy, as in the recipes
    folder = export_objective(separate.exp_dir, "asr_fr", tmp_path / "stock").parent
    stock = StockSpeech2Text(folder / "config.yaml", folder / "model.pth")
    for speech in some_features(separate, "fr"):
        expected = speech2text(speech, lang="fr").transcript
        # the lines of `bin/export.py --help`
        batch = torch.from_numpy(speech)
        with torch.no_grad():
            encoded, _ = stock.asr_model.encode(batch[None], torch.tensor([len(batch)]))
            ids = stock.asr_model.ctc.argmax(encoded)[0].unique_consecutive()
        tokens = stock.converter.ids2tokens(ids[ids != 0])
        assert expected is not None
        assert stock.tokenizer.tokens2text(tokens) == expected.text != ""


def test_the_export_holds_copies_of_all_files_that_it_needs(hybrid: ToyExperiment, tmp_path: Path):
    import yaml

    export_objective(hybrid.exp_dir, "asr_fr", tmp_path / "stock")
    config = yaml.safe_load((tmp_path / "stock" / "config.yaml").read_text(encoding="utf-8"))
    copy = Path(config["normalize_conf"]["stats_file"])
    assert copy == tmp_path / "stock" / "feats_stats.npz"
    assert copy.is_file()
    names = {path.name for path in (tmp_path / "stock").iterdir()}
    assert names == {"config.yaml", "model.pth", "feats_stats.npz"}  # nothing half-written


def test_an_unknown_objective_is_refused_with_the_valid_ones(
    separate: ToyExperiment, tmp_path: Path
):
    with pytest.raises(ValueError, match=r"must be one of \['asr_en', .*'st_es_en'\].*'asr_de'"):
        export_objective(separate.exp_dir, "asr_de", tmp_path / "stock")
    assert not (tmp_path / "stock").exists()


def test_a_shared_head_with_ctc_alone_is_refused(shared_ctc: ToyExperiment, tmp_path: Path):
    with pytest.raises(ValueError, match=r"shared head with CTC alone.*`separate` heads"):
        export_objective(shared_ctc.exp_dir, "asr_fr", tmp_path / "stock")
