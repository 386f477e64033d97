"""Wrong words of a soup cost a second, not the import of ESPnet."""

import re
import subprocess
import sys

import pytest

from espnet_soups.task.checks.check_words import check_words

DECLARED = {"asr_token_list": {"en": [], "fr": []}}
BASE = ["--st_pairs", "fr_en", "es_en", "--asr_token_type", "char"]


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "train.yaml"
    path.write_text("trainer: msp\ntrainer_conf: {soup: vm, order: USA, combiner: modo}\n")
    return path


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["--trainer_conf", "soup=vs"],
        ["--trainer_conf", "order=AS", "--trainer_conf", "combiner_conf={gamma: 0.1}"],
        ["--trainer_conf", "soup=custom", "--trainer_conf", "levels=[[st_*], [asr_*]]"],
        ["--trainer", "default", "--trainer_conf", "soup=vmm"],  # no soup: nothing to look at
        ["--trainer_conf", "combiner_conf.gamma=0.1", "--ssl", "cpc"],
    ],
)
def test_valid_words_pass(config, words):
    check_words(config, [*BASE, *words], DECLARED)


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("soup=vmm", "`soup` must be one of .* but got 'vmm'"),
        ("order=USQ", "`order` must use each of the letters"),
        ("order=U", "`order: U` must place every objective on one level"),
        ("combiner=mogda", "`combiner` must be one of .*'modo'.* but got 'mogda'"),
        ("souq=vs", r"`trainer_conf` has no 'souq' \(closest: 'soup'\)"),
    ],
)
def test_a_wrong_word_is_refused(config, word, said):
    with pytest.raises(ValueError, match=said):
        check_words(config, [*BASE, "--trainer_conf", word], DECLARED)


@pytest.mark.parametrize(
    ("soup", "word", "said"),
    [
        (
            "joint",
            "order=USA",
            "with `soup=joint order=USA`: `order` changes nothing with `soup: joint`: add",
        ),
        ("vs", "order=USA", "changes nothing with `soup: vs`"),
        ("vm", "levels=[[st_*], [asr_*]]", "changes nothing with `soup: vm`: add `--soup custom`"),
        ("vs", "penalty=[{level: 2}]", "changes nothing with `soup: vs`: add `--soup vm`"),
        ("joint", "combiner=mgda", "`combiner` changes nothing with `soup: joint`"),
        ("joint", "combiner_conf={gamma: 0.1}", "with `soup: joint`: add `--soup vs`, or leave it"),
    ],
)
def test_a_word_that_the_soup_leaves_aside_is_refused(config, soup, word, said):
    words = ["--trainer_conf", f"soup={soup}", "--trainer_conf", word]
    with pytest.raises(ValueError, match=re.escape(said)):
        check_words(config, [*BASE, *words], DECLARED)


@pytest.mark.parametrize(
    "words",
    [
        ["combiner=measure_only"],
        ["combiner=static", "combiner_conf={weights: {asr_*: 2, st_*: 1}}"],
    ],
)
def test_joint_training_takes_static_combiners(config, words):
    given = [word for value in ["soup=joint", *words] for word in ("--trainer_conf", value)]
    check_words(config, [*BASE, *given], DECLARED)


def test_a_yaml_may_hold_settings_for_other_soups(config):
    config.write_text("trainer: msp\ntrainer_conf: {soup: joint, order: USA, combiner: modo}\n")
    check_words(config, BASE, DECLARED)


def test_a_wrong_word_is_refused_before_torch_and_espnet_are_imported(config):
    script = (
        "import sys\nfrom espnet_soups.bin.check_recipe import main\n"
        f"words = ['--train_config', {str(config)!r}, '--inference_config', 'none.yaml']\n"
        "words += ['--asr_langs', 'en', '--', '--trainer_conf', 'soup=vmm']\n"
        "try:\n    main(words)\nexcept ValueError as error:\n"
        "    print(error, 'torch' in sys.modules, 'espnet2.tasks' in sys.modules)\n"
    )
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert "but got 'vmm'. False False" in result.stdout, result.stderr
