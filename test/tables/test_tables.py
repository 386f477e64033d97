"""Tables of the paper: their plans, what they refuse, and the numbers beside the published ones."""

import json
import re
from pathlib import Path

import pytest
import yaml
from small_table import write

from espnet_soups.bin.run_table import TRAIN_CONFIGS, main
from espnet_soups.levels.penalty import build_penalties
from espnet_soups.soup.config import read_soup_config
from espnet_soups.tables.numbers import read_number
from espnet_soups.tables.plan import Column, Table, load_table
from espnet_soups.tables.runs import defined_options, plan_runs
from espnet_soups.tables.same_settings import check_same_settings
from espnet_soups.task.msp_task import MSPTask

EGS2 = Path(__file__).parents[2] / "egs2"
TABLES = sorted(EGS2.glob("[!t]*/msp1/tables/*.yaml"))  # not those of tests
ASTERISK = EGS2 / "asterisk" / "msp1"
CONFIG = "conf/train_msp.yaml"


def config_of(table: Table, mini: bool) -> str:
    return table.train_config or TRAIN_CONFIGS["mini" if mini else "paper"]


def test_there_is_a_script_for_every_table_of_the_paper():
    names = {f"{path.parents[2].name}/{path.stem}" for path in TABLES}
    covost = ("main", "order", "hierarchy", "penalty", "ssl", "layers", "combiners")
    covost += ("main_xlsr", "main_whisper")
    assert names == {f"covost2/{name}" for name in covost} | {"librispeech_aishell/main"}
    for path in TABLES:
        assert f"run_table tables/{path.name}" in path.with_suffix(".sh").read_text()


@pytest.mark.parametrize("path", TABLES, ids=lambda path: f"{path.parents[2].name}/{path.stem}")
@pytest.mark.parametrize("mini", [False, True], ids=["paper", "mini"])
def test_every_table_has_a_plan_of_options_that_exist_or_says_what_is_lacking(path, mini):
    table = load_table(path, mini)
    recipe = ASTERISK if mini else path.parents[1]
    runs = plan_runs(table, recipe, [1, 2], config_of(table, mini))
    assert len(runs) == 2 * len(table.rows) >= 4
    known = defined_options(recipe / "msp.sh")
    for run in runs:
        if not run.row.missing:
            assert run.obstacle == ""
        words = run.command[run.command.index("./run.sh") :]
        used = {word[2:].partition("=")[0] for word in words if word.startswith("--")}
        assert used <= known


@pytest.mark.parametrize("path", TABLES, ids=lambda path: f"{path.parents[2].name}/{path.stem}")
@pytest.mark.parametrize("mini", [False, True], ids=["paper", "mini"])
def test_settings_of_every_row_make_a_soup(path, mini):
    table = load_table(path, mini)
    recipe = ASTERISK if mini else path.parents[1]
    file = recipe / config_of(table, mini)
    parser = MSPTask.get_parser()
    for row in table.rows:
        words = ["--config", str(file), "--output_dir", "none"]
        for word in row.train_args.get("trainer_conf", "").split():
            words += ["--trainer_conf", word]
        settings = parser.parse_args(words).trainer_conf
        settings |= {key: row.options[key] for key in ("soup", "order") if key in row.options}
        config = read_soup_config(settings)
        assert config.soup != "custom" or config.levels
        penalties = build_penalties(config.penalty, levels=3)
        if row.run == "vm_usa_one":
            assert penalties.at(0.0, 200, [0] * 3) == [1.0] * 3
        elif row.run == "vm_usa_slow":
            last = 0.4 if mini else pytest.approx(0.002 * 199)
            assert (
                penalties.at(3.0 if mini else 199.0, 3 if mini else 200, [0] * 3)[1:] == [last] * 2
            )
        else:
            assert penalties.at(150.0, 200, [0] * 3) == [1.0, 1.5, 1.5]


def test_a_row_that_the_release_cannot_run_says_what_is_lacking(tmp_path, recipe):
    rows = [
        {"title": "a", "run": "a", "options": {"ssl": "cpc"}},
        {"title": "b", "run": "b", "options": {"baseline": "joint"}},
    ]
    (recipe / "msp.sh").write_text('option ssl none "x"\n')
    table = load_table(write(tmp_path / "t.yaml", rows=rows))
    runs = plan_runs(table, recipe, [1], "conf/train_msp.yaml")
    assert [run.obstacle for run in runs] == [
        "there is no conf/pretrain_cpc.yaml",
        "this release has no option --baseline",
    ]


SEARCH = {"title": "static", "run": "static", "search": "conf/grid.yaml", "options": {"ssl": "cpc"}}


def test_every_main_table_has_a_row_that_searches_static_weights_before_it_is_scored():
    for name in ("covost2", "librispeech_aishell"):
        path = EGS2 / name / "msp1" / "tables" / "main.yaml"
        for mini in (False, True):
            recipe = ASTERISK if mini else path.parents[1]
            config = TRAIN_CONFIGS["mini" if mini else "paper"]
            runs = plan_runs(load_table(path, mini), recipe, [1, 2], config)
            (first, second) = (run for run in runs if run.row.search)
            assert first.obstacle == ""
            assert (recipe / first.row.search).is_file()
            before = first.command[: first.command.index("--")]
            assert before[1:] == (
                *("-m", "espnet_soups.bin.search_weights", "--grid", first.row.search),
                *("--tag", first.tag),
            )
            assert first.command[-5:] == (
                *("--ssl", "cpc", "--baseline", "two_stage", "--train_args=--seed 1"),
            )
            assert second.command[-2:] == ("--train_args=--seed 2", "--pretrain_args=--seed 2")


def test_another_seed_is_that_of_pre_training_too_where_a_row_has_it(tmp_path, recipe):
    rows = [
        {"title": "a", "run": "a", "options": {"ssl": "cpc", "baseline": "two_stage"}},
        {"title": "b", "run": "b", "options": {"ssl": "cpc", "baseline": "joint"}},
        {"title": "c", "run": "c", "options": {"ssl": "cpc", "init_from_pretrained": "false"}},
        {"title": "d", "run": "d", "options": {"soup": "vs"}},
    ]
    runs = plan_runs(load_table(write(tmp_path / "t.yaml", rows=rows)), recipe, [1, 2], CONFIG)
    seeded = [run.tag for run in runs if "--pretrain_args=--seed 2" in run.command]
    assert seeded == ["train_msp_a_seed2"]
    assert not any("--pretrain_args" in run.line for run in runs if run.seed == 1)


@pytest.mark.parametrize(
    ("seeds", "said"), [([], "at least one seed"), ([1, 2, 1], "a seed twice: 1 2 1")]
)
def test_seeds_that_are_none_or_twice_the_same_are_refused(tmp_path, recipe, seeds, said):
    with pytest.raises(ValueError, match=said):
        plan_runs(load_table(write(tmp_path / "t.yaml")), recipe, seeds, CONFIG)


def test_the_best_run_of_a_search_stands_for_its_row(tmp_path, recipe, capsys):
    (recipe / "conf" / "pretrain_cpc.yaml").touch()
    (recipe / "msp.sh").write_text('option ssl none "x"\n')
    table = write(tmp_path / "small.yaml", rows=[SEARCH, {"title": "plain", "run": "plain"}])
    words = [str(table), "--recipe", str(recipe), "--dry-run"]
    main(words)
    assert "# static, seed 1: there is no conf/grid.yaml" in capsys.readouterr().out
    (recipe / "conf" / "grid.yaml").touch()
    main(words)
    printed = capsys.readouterr().out
    assert "search_weights --grid conf/grid.yaml --tag train_msp_static -- ./run.sh" in printed
    assert "- static: not run yet (train_msp_static)." in printed
    expdir = recipe / "exp"
    for name, value in (("static_st2", 8.0), ("static_st1", 9.0), ("plain", 10.0)):
        folder = expdir / f"msp_train_msp_{name}" / "decode_msp_valid.acc.ave" / "test"
        folder.mkdir(parents=True)
        (folder.parents[1] / "config.yaml").write_text("max_epoch: 1\n")
        scores = {"asr_fr": {"wer": {"value": value}}}
        (folder / "scores.json").write_text(json.dumps({"objectives": scores}))
    best = {"tag": "train_msp_static_st2", "weights": {"st_*": 2.0}, "accuracy": 0.5}
    record = {"points": [best, {"tag": "train_msp_static_st1"}]}
    (expdir / "train_msp_static_search.json").write_text(json.dumps(record))
    main(words)
    printed = capsys.readouterr().out
    assert "| static | 8.0 " in printed
    assert "- static, seed 1: st_* 2, the best of 2 by validation accuracy (0.5000)." in printed
    # its settings are compared with those of the other rows
    (expdir / "msp_train_msp_static_st2" / "config.yaml").write_text("max_epoch: 2\n")
    with pytest.raises(ValueError, match=r"`max_epoch` \(train_msp_static 2, train_msp_plain 1\)"):
        main(words)


def test_runs_that_tables_share_are_the_same_run():
    seen: dict[tuple[str, str, bool], tuple[str, ...]] = {}
    for path in TABLES:
        for mini in (False, True):
            recipe = ASTERISK if mini else path.parents[1]
            table = load_table(path, mini)
            for run in plan_runs(table, recipe, [1], config_of(table, mini)):
                name = "asterisk" if mini else path.parents[2].name
                words = tuple(sorted(run.command))
                if not run.row.missing:
                    assert seen.setdefault((name, run.tag, mini), words) == words, run.tag


@pytest.mark.parametrize("name", ["xlsr", "whisper"])
@pytest.mark.parametrize("mini", [False, True], ids=["paper", "mini"])
def test_tables_of_pretrained_backbones_have_configurations_and_rows_that_those_bear(name, mini):
    path = EGS2 / "covost2" / "msp1" / "tables" / f"main_{name}.yaml"
    table = load_table(path, mini)
    recipe = ASTERISK if mini else path.parents[1]
    config = yaml.safe_load((recipe / table.train_config).read_text())
    assert config["encoder"] == {"xlsr": "wav2vec2_hf", "whisper": "whisper_hf"}[name]
    assert ("model" in config["encoder_conf"]) != mini  # a mini run needs no hub
    assert table.shared["feats_type"] == "raw"
    bears = {"xlsr": {"none"}, "whisper": {"none", "best_rq"}}[name]
    assert {row.options.get("ssl", "none") for row in table.rows} == bears
    for row in table.rows:
        # stage 7 would train anew what is pretrained; VC without U is VS
        assert row.options.get("ssl") is None or row.options["init_from_pretrained"] == "false"
        assert row.options["soup"] != "vc" or "ssl" in row.options
        assert ("U" in row.options.get("order", "U")) == ("ssl" in row.options) or (
            "order" not in row.options
        )
    assert [row.run for row in table.rows[:5]] == ["joint", "joint_static", "vs", "vm_as", "vm_sa"]


@pytest.mark.parametrize("name", ["xlsr", "whisper"])
@pytest.mark.parametrize("scale", ["paper", "mini"])
def test_a_dry_run_of_a_pretrained_backbone_names_its_configuration(name, scale, capsys):
    recipe = EGS2 / "covost2" / "msp1"
    table = recipe / "tables" / f"main_{name}.yaml"
    main([str(table), "--recipe", str(recipe), "--dry-run", "--scale", scale])
    commands = [line for line in capsys.readouterr().out.splitlines() if line.startswith("cd ")]
    config = load_table(table, scale == "mini").train_config
    assert len(commands) == len(load_table(table).rows)
    assert all(f"--train_config {config} " in line for line in commands)
    assert all("--feats_type raw " in line for line in commands)
    assert all(("--fs 16000 --resample true " in line) == (scale == "mini") for line in commands)


CONFORMERS = [path for path in TABLES if not load_table(path).train_config]


@pytest.mark.parametrize("path", CONFORMERS, ids=lambda p: f"{p.parents[2].name}/{p.stem}")
def test_a_table_can_be_run_with_the_paper_s_configuration_beside_the_default(path, capsys):
    assert len(CONFORMERS) == len(TABLES) - 2  # XLS-R and Whisper have their own
    recipe = path.parents[1]
    (paper,) = recipe.glob("conf/tuning/*_paper.yaml")
    name = paper.relative_to(recipe).as_posix()
    main([str(path), "--recipe", str(recipe), "--dry-run", "--train_config", name])
    commands = [line for line in capsys.readouterr().out.splitlines() if line.startswith("cd ")]
    size = paper.stem.removeprefix("train_msp_")
    assert size in (recipe / "README.md").read_text(encoding="utf-8")
    for line, row in zip(commands, load_table(path).rows, strict=True):
        assert f"--train_config {name} " in line
        # an experiment of its own, also beside tables of other objectives
        assert re.search(rf"tag {size}_(cls_gender_)?{row.run} ", line)


def test_the_paper_s_numbers_stand_in_the_table_of_librispeech():
    table = load_table(EGS2 / "librispeech_aishell" / "msp1" / "tables" / "main.yaml")
    row = next(row for row in table.rows if row.run == "vm_uecg")
    assert list(row.paper.values()) == [6.9, 17.5, 6.6, 98.1, 93.2]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"rows": [{"title": "a", "run": "a", "options": {"fs": 8000}}]}, r"soup alone .*`shared`"),
        ({"rows": [{"title": "a", "run": "a", "train_args": {"max_epoch": 3}}]}, "max_epoch"),
        (
            {"rows": [{"title": "a", "run": "a", "options": {"ssl_audio": "unlabeled"}}]},
            r"a differs from the others in \['ssl_audio'\].*`shared`",
        ),
        ({"rows": [{"title": "a", "run": "a"}] * 2}, r"the runs \['a'\] occur twice"),
        (
            {"rows": [{"title": "a", "run": "a", "paper": {"MOS": 1}}]},
            "`paper` of a .* has no 'MOS'",
        ),
        ({"columns": [{"name": "x"}]}, "malformed"),
    ],
)
def test_a_table_that_compares_more_than_soups_is_refused(tmp_path, changes, message):
    with pytest.raises(ValueError, match=message):
        load_table(write(tmp_path / "t.yaml", **changes))
    with pytest.raises(ValueError, match="no `mini`"):
        load_table(write(tmp_path / "t.yaml"), mini=True)


def test_experiments_of_different_settings_make_no_table(tmp_path):
    for name, config in {
        "a": {"trainer": "msp", "optim_conf": {"lr": 1}, "seed": 1},
        "b": {"trainer": "default", "optim_conf": {"lr": 1}, "seed": 2},
        "c": {"trainer": "msp", "optim_conf": {"lr": 2}, "max_epoch": 3, "accum_grad": 1},
    }.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.yaml").write_text(yaml.safe_dump(config))
    folders = {name: tmp_path / name for name in "abc"}
    check_same_settings({name: folders[name] for name in "ab"})
    with pytest.raises(ValueError, match=r"differ in 2 settings .*`max_epoch` \(a 40, .* c 3\)"):
        check_same_settings(folders)


def test_a_column_needs_all_its_objectives_and_the_log_tells_the_memory(tmp_path):
    folder = tmp_path / "tag" / "test"
    folder.mkdir(parents=True)
    scores = {"objectives": {"asr_fr": {"wer": {"value": 1.0}}}}
    (folder / "scores.json").write_text(json.dumps(scores))
    assert read_number(tmp_path, "tag", Column("w", "wer", ("asr_fr",))) == 1.0
    assert read_number(tmp_path, "tag", Column("w", "wer", ("asr_fr", "asr_en"))) is None
    assert read_number(tmp_path, "tag", Column("b", "bleu")) is None
    assert read_number(tmp_path, "tag", Column("m", "memory_gb")) is None
    (tmp_path / "train.log").write_text(
        "gpu_max_cached_mem_GB=3.5, x\ngpu_max_cached_mem_GB=9.25, y"
    )
    assert read_number(tmp_path, "tag", Column("m", "memory_gb")) == 9.25


def test_switches_of_a_table_are_words_of_run_sh(tmp_path, recipe):
    rows = [{"title": "a", "run": "a", "options": {"ssl": "cpc", "init_from_pretrained": False}}]
    path = write(tmp_path / "t.yaml", rows=rows, shared={"report_audio": True})
    (run,) = plan_runs(load_table(path), recipe, [2], CONFIG)
    assert "--report_audio true" in run.line
    assert "--init_from_pretrained false" in run.line
    assert not run.row.pretrains


def test_options_of_training_from_several_places_are_joined(tmp_path, recipe):
    rows = [
        {
            "title": "a",
            "run": "a",
            "options": {"ssl": "cpc"},
            "train_args": {"trainer_conf": "refresh=8"},
        },
        {"title": "b", "run": "b"},
    ]
    shared = {"train_args": "--max_epoch 3", "pretrain_args": "--max_epoch 2"}
    table = load_table(write(tmp_path / "t.yaml", rows=rows, shared=shared))
    more = ["--train-args", "--use_amp true", "--ngpu", "1", "--pretrain_args=--use_amp true"]
    first, second, bare, _ = plan_runs(table, recipe, [1, 2], CONFIG, more)
    train = "--train_args=--max_epoch 3 --use_amp true --trainer_conf refresh=8"
    pretrain = "--pretrain_args=--max_epoch 2 --use_amp true"
    assert first.command[-4:] == (f"{train} --seed 1", pretrain, "--ngpu", "1")
    assert second.command[-4:-2] == (f"{train} --seed 2", f"{pretrain} --seed 2")
    assert bare.command[-3] == "--train_args=--max_epoch 3 --use_amp true --seed 1"
    assert not any("--pretrain_args" in word for word in bare.command)
