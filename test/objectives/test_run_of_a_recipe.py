"""What the options of run.sh and the training configuration amount to."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from espnet_soups.bin.objectives import main
from espnet_soups.files import write_table
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
    assert len(options) == 10
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
        (["--objectives=enh", "--ssl_audio=unlabeled"], "enh learns from clean.scp, which audio"),
        (["--st_token_type="], "--st_token_type must be char or bpe, but got nothing"),
    ],
)
def test_what_is_not_valid_is_refused(words, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        main(["check", *words])


def test_what_train_args_say_of_objectives_holds_for_statistics_too(capsys):
    said = "--seed 2 --objectives enh.label_file=near.scp --languages en fr --max_epoch 3"
    words = ("--objectives=enh", f"--train_args={said}")
    assert answer(capsys, "labels", *words) == ["near.scp near audio"]
    expected = ["--objectives", "enh.label_file=near.scp", "--languages", "en", "fr"]
    assert answer(capsys, "refinements", *words) == expected


def test_other_frontends_have_statistics_of_their_own(capsys, tmp_path):
    path = tmp_path / "train.yaml"

    def tag(conf="", *words, feats_type="raw"):
        path.write_text(conf)
        common = (f"--train_config={path}", "--asr_langs=en", f"--feats_type={feats_type}")
        (found,) = answer(capsys, "frontend", *common, *words)
        return found

    hop, coarse = "frontend_conf: {hop_length: 128}", "frontend_conf: {hop_length: 256}"
    assert tag() == tag(hop, feats_type="fbank") == ""
    changed = "--train_args=--frontend_conf hop_length=64 --frontend_conf fmin=80 --seed 2"
    tags = [tag(hop), tag(coarse), tag("frontend: whisper_mel"), tag(hop, changed)]
    assert len(set(tags)) == 4
    assert all(re.fullmatch("[0-9a-f]{8}", one) for one in tags)
    assert tag(hop + "\nseed: 3") == tag(hop)
    words = answer(capsys, "refinements", "--asr_langs=en", changed)
    assert words == ["--frontend_conf", "hop_length=64", "--frontend_conf", "fmin=80"]


@pytest.mark.parametrize("objective", ["spk", "cls_gender"])
def test_a_list_of_classes_is_shared_by_runs_alone_that_learn_from_the_same_labels(
    capsys, objective
):
    def lists(*words):
        return answer(capsys, "vocabularies", f"--objectives={objective}", *words)

    both = ("--languages=en fr", "--max_wav_duration=20.0")
    (first,) = lists(*both)
    assert re.fullmatch(rf"data/{objective}_classes_[0-9a-f]{{8}}/classes.txt", first)
    assert lists(*both, "--asr_langs=en", "--batch=3")[-1] == first
    assert lists(*both, "--speeds=_sp") == [first.replace("classes_", "classes_sp_")]
    others = [
        lists("--languages=en fr", "--max_wav_duration=5.0"),
        lists(*both, f"--train_args=--objectives {objective}.label_file=utt2dialect"),
        lists(*both, "--train_set=train_100"),
    ]
    assert len({first, *(item for (item,) in others)}) == 4


def test_the_language_of_an_objective_tells_its_list_apart(capsys):
    words = ("--objectives=cls_gender", "--languages=en fr")
    lists = [
        answer(capsys, "vocabularies", *words, f"--train_args=--objectives cls_gender.language={x}")
        for x in ("en", "fr")
    ]
    assert lists[0] != lists[1]


@pytest.mark.parametrize("given", ["{f: 3, m: 2}", "my_classes.txt"])
def test_classes_that_the_configuration_gives_are_not_made(capsys, tmp_path, given):
    path = tmp_path / "train.yaml"
    path.write_text(f"objectives: {{cls_gender: {{classes: {given}}}, cls_accent: {{}}}}\n")
    words = (f"--train_config={path}", "--languages=en")
    (made,) = answer(capsys, "vocabularies", *words)
    assert made.startswith("data/cls_accent_classes")
    assert answer(capsys, "vocabulary_args", *words) == [
        "--objectives",
        f"cls_accent.classes={made}",
    ]


def test_languages_come_from_the_configuration_or_from_train_args_too(capsys, tmp_path):
    path = tmp_path / "train.yaml"
    path.write_text("objectives: {spk: {}}\nlanguages: [en, fr]\n")
    words = [f"--train_config={path}"]
    assert run.read_run({"train_config": str(path)}).languages == ("en", "fr")
    assert "--languages" not in answer(capsys, "model", *words)  # training reads the same file
    given = {"train_config": str(path), "languages": "de"}
    assert run.read_run(given).languages == ("de",)
    assert run.read_run(given | {"train_args": "--languages es --seed 2"}).languages == ("es",)
    path.write_text("objectives: {spk: {}}\nlanguages: en fr\n")
    with pytest.raises(ValueError, match="`languages` of the training configuration must list"):
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


BOTH = ["normalize global_mvn", "pretrain_normalize global_mvn"]


@pytest.mark.parametrize(
    ("yaml", "words", "said"),
    [
        ("normalize: global_mvn", "", BOTH),
        ('normalize: "global_mvn"  # of us', "", BOTH),
        ("normalize:\n  global_mvn\npreencoder: null", "", BOTH),
        ("{normalize: ~, preencoder: Linear}", "", ["preencoder linear"]),
        ("normalize: null", "", []),
        ("preencoder: ~", "--normalize global_mvn", ["normalize global_mvn"]),
        ("normalize: global_mvn", "--normalize none", ["pretrain_normalize global_mvn"]),
    ],
)
def test_classes_of_the_configuration_are_read_as_yaml(capsys, tmp_path, yaml, words, said):
    (tmp_path / "train.yaml").write_text(f"{yaml}\n")
    what = ("normalize", "pretrain_normalize", "preencoder")
    options = (f"--train_config={tmp_path / 'train.yaml'}", f"--train_args={words}")
    found = answer(capsys, *what, "--asr_langs=en", *options)
    assert found == said


def test_folders_are_named_by_languages_where_training_or_validation_has_others(tmp_path):
    words = {"asr_langs": "fr", "datadir": str(tmp_path), "train_set": "train", "valid_set": "dev"}
    assert run.read_run(words).subset == ""  # stage 1 has yet to make them
    for name in ("train", "dev"):
        write_table(tmp_path / name / "utt2lang", {"a": "fr"})
    assert run.read_run(words).subset == ""
    for name in ("dev", "train"):
        write_table(tmp_path / name / "utt2lang", {"a": "fr", "b": "it"})
        assert (run.read_run(words).left_out, run.read_run(words).subset) == (("it",), "_only_fr")
        write_table(tmp_path / name / "utt2lang", {"a": "fr"})
    assert run.read_run(words).only == "_only_fr"
