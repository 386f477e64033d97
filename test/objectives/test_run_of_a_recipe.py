"""What the options of run.sh and the training configuration amount to."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from espnet_soups.bin.objectives import main
from espnet_soups.objectives import registry, run
from espnet_soups.objectives.kind import Kind
from espnet_soups.objectives.objective import Objective

MSP = Path(__file__).parents[2] / "egs2" / "TEMPLATE" / "msp1" / "msp.sh"


class Mood(Kind):
    """A kind of a user's own."""

    name = "mood"
    title = "Moods"
    sign = "M"

    def objective(self, name, settings):
        language = settings.get("language", "")
        return Objective(name, f"{__name__}:Mood", language, label=name, label_file=f"utt2{name}")

    def build_heads(self, objectives, args, parts):
        raise NotImplementedError


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "train.yaml"
    path.write_text(f"objectives: {{mood: {{kind: '{__name__}:Mood', pooling: mean}}}}\n")
    return f"--train_config={path}"


def answer(capsys, *words):
    main(list(words))
    return capsys.readouterr().out.splitlines()


def test_the_options_of_msp_sh_are_those_of_the_kinds():
    lines = re.findall(r'^option (\w+) ("[^"]*"|\S+) "', MSP.read_text(), flags=re.MULTILINE)
    table = {name: default.strip('"') for name, default in lines}
    options = [item for kind in registry.KINDS for item in kind.run_options.items()]
    assert len(options) == 9
    for name, (default, _) in options:
        assert table[name] == default


def test_labels_come_once_each_in_the_order_of_objectives(capsys, config):
    words = ("--asr_langs=en fr", "--st_pairs", "fr_en es_en")
    expected = ["text text text", "text.en text_en text"]
    assert answer(capsys, "labels", *words) == expected
    assert answer(capsys, "labels", *words, config) == [*expected, "utt2mood mood text"]


def test_several_answers_name_what_they_answer(capsys):
    found = answer(capsys, "tags", "names", "--asr_langs=en", "--asr_token_type=bpe")
    assert found == ["tags bpe500", "tags bpe500_bpe_unigram500", "names asr_en"]


def test_an_objective_of_the_configuration_needs_no_word_and_takes_further_settings(capsys, config):
    words = (config, "--languages=en", "--objectives=mood", "--train_args", "--seed 2")
    assert "--objectives" not in answer(capsys, "model", *words)
    assert answer(capsys, "names", *words) == ["mood"]
    assert answer(capsys, "tags", *words)[1].endswith("_mood")
    refined = (config, "--languages=en", "--train_args=--objectives mood.pooling=max --seed 2")
    (settings,) = answer(capsys, "settings", *refined)
    assert settings.endswith('"pooling": "max"}')


def test_an_objective_with_default_settings_is_told_to_training(capsys, monkeypatch):
    for module in (registry, run):
        monkeypatch.setattr(module, "KINDS", (*registry.KINDS, Mood()))
    words = ("--objectives=mood_a mood_b", "--languages=en de")
    model = answer(capsys, "model", *words)
    assert model[:3] == ["--languages", "en", "de"]
    assert model[-4:] == ["--objectives", "mood_a={}", "--objectives", "mood_b={}"]
    assert answer(capsys, "labels", *words)[0] == "utt2mood_a mood_a text"
    registry.find_kind.cache_clear()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "There is no objective"),
        (["--objectives=mood"], "is of no known kind"),
        (["--objectives=a,b"], "separated by white space, so write 'a b'"),
        (["--asr_langs=../fr"], "--asr_langs names folders, so it must hold no slash"),
        (["--asr_langs=" + "f" * 201], "200 bytes or less, but has 201"),
        (["--st_pairs=fr-en"], "must be pairs of source_target such as 'fr_en es_en'"),
        (["--st_token_type="], "--st_token_type must be char or bpe, but got nothing"),
    ],
)
def test_what_is_not_valid_is_refused(words, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        main(["check", *words])


def test_languages_that_no_objective_names_must_be_told(capsys, config):
    with pytest.raises(ValueError, match="--languages must name the languages in utt2lang"):
        main(["check", config])
    assert answer(capsys, "names", config, "--languages=en") == ["mood"]


def test_the_answer_does_not_wait_for_torch(config):
    code = "import sys; from espnet_soups.bin.objectives import main\n"
    code += f"main(['vocabularies', '--asr_langs=en', {config!r}])\n"
    code += "assert not {'torch', 'espnet', 'numpy'} & set(sys.modules)"
    words = [sys.executable, "-c", code]
    subprocess.run(words, check=True, cwd=Path(__file__).parent, capture_output=True)
