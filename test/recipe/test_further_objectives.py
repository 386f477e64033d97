"""Objectives of kinds that the stages have never heard of."""

import shutil
from pathlib import Path

from tiny_recipe import CONFIG, run

from espnet_soups.files import read_table, write_table

OBJECTIVES = """
objectives:
    tone: {kind: "made_up_kinds:Tone"}
    clean: {kind: "made_up_kinds:Clean", label_file: clean.scp}
    voice: {kind: "made_up_kinds:Tone", label_file: utt2spk}
"""
WORDS = ("--train_config", "conf/train_tone.yaml", "--asr_langs=", "--st_pairs=", "--languages")
SILENT, NAMELESS = "en_a-train00", "fr_a-train01"


def add_labels(recipe: Path) -> None:
    """Give the corpus tones and second recordings; an utterance has no text, another no tone."""
    shutil.copy(Path(__file__).with_name("made_up_kinds.py"), recipe)
    soup = CONFIG[CONFIG.index("trainer: msp") : CONFIG.index("optim: ")]
    config = CONFIG.replace(soup, "").replace("[valid, acc, max]", "[valid, loss, min]")
    (recipe / "conf" / "train_tone.yaml").write_text(config + OBJECTIVES)
    for name in ("train", "dev", "test"):
        folder = recipe / "corpus" / name
        texts = read_table(folder / "text")
        tones = {key: text[0] for key, text in texts.items() if key != NAMELESS}
        write_table(folder / "utt2tone", tones)
        shutil.copy(folder / "wav.scp", folder / "clean.scp")
        if name == "train":
            write_table(folder / "text", {**texts, SILENT: "<na>"})


def test_labels_of_any_kind_pass_all_stages_up_to_the_vocabularies(recipe: Path):
    add_labels(recipe)
    words = (*WORDS, "en fr", "--stop_stage", "5")
    first = run(recipe, *words, timeout=1800)
    assert first.returncode == 0, first.stdout[-3000:] + first.stderr[-3000:]
    assert "data/train: 32 utterances; labels: tone 31, voice 32, clean 32" in first.stdout
    assert "utt2tone: 1 utterances have no line and count as `<na>`" in first.stderr
    assert "data/tone_classes_sp/classes.txt: " in first.stdout
    assert "warning: 1 others" in first.stderr
    perturbed = read_table(recipe / "data" / "train_sp" / "utt2tone")
    assert perturbed[f"sp0.9-{NAMELESS}"] == "<na>"
    (dump,) = recipe.glob("dump/*_clean.scp")
    (kept,) = dump.glob("*s_utt2tone_utt2spk_clean.scp")
    for folder in (dump / "train_sp", kept / "train_sp"):
        assert read_table(folder / "utt2tone") == perturbed
        clean, speech = read_table(folder / "clean.scp"), read_table(folder / "feats.scp")
        assert clean.keys() == speech.keys() >= {SILENT, f"sp0.9-{SILENT}"}
        assert clean[SILENT] == speech[SILENT].replace("train_sp/", "train_sp/clean/")
    tokens = (recipe / "data" / "voice_classes_sp" / "classes.txt").read_text().split()
    assert tokens == ["en_a", "fr_a", "sp0.9-en_a", "sp0.9-fr_a"]
    second = run(recipe, *words, timeout=600)
    assert "All stages are up to date" in second.stdout, second.stdout + second.stderr


def test_languages_that_no_objective_names_must_be_told(recipe: Path):
    add_labels(recipe)
    result = run(recipe, *WORDS[:-1])
    assert result.returncode == 1
    assert "error: --languages must name the languages in utt2lang" in result.stderr
    assert "stage 0" not in result.stdout
