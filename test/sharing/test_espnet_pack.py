"""A packed export opens with ESPnet's own loader, wherever it lies, and decodes alike."""

import shutil
from pathlib import Path

import kaldiio
import numpy as np
import pytest

from espnet_soups import Speech2Text
from espnet_soups.bin.main import main
from espnet_soups.testing.toy_corpus import ToyExperiment

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # of ESPnet's inference
    pytest.mark.filterwarnings("ignore:Expanding a local model to the cachedir"),
]


def test_espnet_loads_a_packed_export(
    audible: ToyExperiment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    import espnet

    monkeypatch.setenv("HOME", str(tmp_path / "home"))  # where ESPnet unpacks it
    words = ["export", "--exp_dir", str(audible.exp_dir), "--objective", "asr_fr"]
    words += ["--output_dir", str(tmp_path / "stock")]
    main([*words, "--pack", str(tmp_path / "asr_fr.zip")])
    shutil.rmtree(tmp_path / "stock")
    options = {"device": "cpu", "ctc_weight": 1.0, "beam_size": 4}  # there are 11 tokens
    stock = espnet.load(str(tmp_path / "asr_fr.zip"), task="asr", **options)
    ours = Speech2Text.from_pretrained(audible.exp_dir, asr_method="ctc_prefix", beam_size=4)
    table = kaldiio.load_scp(str(audible.corpus.root / "valid" / "feats.scp"))
    looked_at = 0
    for key in [key for key in table if key.startswith("fr")][:4]:
        features = np.array(table[key])
        expected = ours(features, lang="fr").transcript
        assert expected is not None
        assert stock(features)[0][0] == expected.text != ""
        looked_at += 1
    assert looked_at == 4


@pytest.mark.parametrize("words", ["cls_language a.zip", "asr_fr a.tar"])
def test_what_espnet_has_no_pack_for_is_refused(audible: ToyExperiment, tmp_path: Path, words: str):
    objective, file = words.split()
    call = ["export", "--exp_dir", str(audible.exp_dir), "--objective", objective]
    call += ["--output_dir", str(tmp_path / "stock"), "--pack", str(tmp_path / file)]
    with pytest.raises(ValueError, match=rf"ends in \.zip, but got --objective {objective} --pack"):
        main(call)
    assert not list(tmp_path.iterdir())
