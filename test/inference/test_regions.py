"""Languages with scripts and regions, from training to scores."""

from pathlib import Path

import kaldiio

from espnet_soups import Speech2Text
from espnet_soups.objectives.metrics.score_config import ScoreConfig
from espnet_soups.objectives.objective_file import OBJECTIVES, write_objectives
from espnet_soups.scoring.score_set import score_set
from espnet_soups.testing.toy_corpus import ToyExperiment

NAMES = ["asr_zh_cn", "asr_pt_BR", "asr_cmn_hans", "st_zh_cn_en_us", "st_pt_BR_en_us"]


def test_languages_with_regions_are_decoded_and_scored(regional: ToyExperiment, tmp_path: Path):
    corpus = regional.corpus
    speech2text = Speech2Text.from_pretrained(regional.exp_dir)
    assert [objective.name for objective in speech2text.objectives] == NAMES
    table = kaldiio.load_scp(str(corpus.root / "valid" / "feats.scp"))
    spoken = (corpus.root / "valid" / "utt2lang").read_text().splitlines()
    texts: dict[str, list[str]] = {name: [] for name in NAMES}
    for key, language in (line.split() for line in spoken):
        result = speech2text(table[key], language)
        assert set(result.translations) == ({"en_us"} if language != "cmn_hans" else set())
        for name, found in result.nbest.items():
            texts[name].append(f"{key} {found[0].text}\n")
    for name, lines in texts.items():
        (tmp_path / "decoded" / name).mkdir(parents=True)
        (tmp_path / "decoded" / name / "text").write_text("".join(lines))
    write_objectives(tmp_path / "decoded" / OBJECTIVES, speech2text.objectives)
    scores = score_set(corpus.root / "valid", tmp_path / "decoded", ScoreConfig())["objectives"]
    assert [name for name in NAMES if "wer" in scores[name]] == ["asr_pt_BR"]
    assert [name for name in NAMES if "bleu" in scores[name]] == NAMES[3:]
