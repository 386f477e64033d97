"""The check of a GPU: what it brings along, and a run of all its parts on a CPU."""

import json
import subprocess
import types
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from torch.autograd import DeviceType

from espnet_soups.testing.toy_corpus import make_toy_corpus
from tools.gpu_check import parts
from tools.gpu_check.__main__ import failures, main
from tools.gpu_check.device import count_activity
from tools.gpu_check.features import copy_features
from tools.gpu_check.prepare import MACHINE
from tools.gpu_check.step_costs import mode_cost_or_error
from tools.gpu_check.table import render
from tools.gpu_check.trainings import SOUPS, Schedule, options_of, outcome, variants
from tools.gpu_check.unit_tests import marked_files, read_report
from tools.gpu_check.wheels import NEEDS, ROOTS, lacking, needed_packages, read_names

LANGUAGES = ("en", "fr", "es")


def make_recipe(root):
    """A recipe after its stage 6, with the toy corpus."""
    corpus = make_toy_corpus(root, utterances=4)
    statistics = root / "exp" / "msp_stats_toy"
    tokens = corpus.root.joinpath("tokens.txt").read_text(encoding="utf-8").split()
    options = {
        "input_size": 8,
        "feats_conf": {"stack": 4},
        "st_pairs": ["fr_en", "es_en"],
        "asr_token_list": dict.fromkeys(LANGUAGES, tokens),
        "asr_token_type": "char",
        "st_token_list": {"en": tokens},
        "st_token_type": "char",
        "st_bpemodel": {},
    }
    for name in ("train", "valid"):
        path = root / name / "feats.scp"
        path.write_text(path.read_text(encoding="utf-8").replace(f"{root}/", ""), encoding="utf-8")
        options[f"{name}_data_path_and_name_and_type"] = [
            [f"{name}/feats.scp", "speech", "kaldi_ark"],
            [f"{name}/utt2lang", "lang", "text"],
            [f"{name}/text", "text", "text"],
            [f"{name}/text.en", "text_en", "text"],
        ]
        (statistics / name).mkdir(parents=True)
        (statistics / name / "speech_shape").write_bytes(
            (root / name / "speech_shape").read_bytes()
        )
    np.savez(
        statistics / "train/feats_stats.npz", count=2, sum=np.zeros(8), sum_square=2 * np.ones(8)
    )
    job = statistics / "jobs" / "stats.1"
    job.mkdir(parents=True)
    (job / "config.yaml").write_text(yaml.safe_dump(options), encoding="utf-8")
    return root


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """What `prepare` makes, without wheels."""
    recipe = make_recipe(tmp_path_factory.mktemp("recipe"))
    found = tmp_path_factory.mktemp("gpu_check")
    copy_features(recipe, found / "features")
    (found / NEEDS).write_text("torch\n", encoding="utf-8")
    return found


def test_features_are_those_of_the_recipe_but_for_a_byte_a_number(tmp_path):
    from espnet_soups.data.ark import read_array
    from espnet_soups.files import read_table

    (tmp_path / "recipe").mkdir()
    recipe = make_recipe(tmp_path / "recipe")
    copy_features(recipe, tmp_path / "features")
    table = read_table(tmp_path / "features/train/feats.scp")
    for key, place in table.items():
        found = read_array(str(tmp_path / "features" / place))
        expected = read_array(str(recipe / read_table(recipe / "train/feats.scp")[key]))
        assert found.shape == expected.shape
        assert abs(found - expected).max() < 0.05
    arks = [path / "train/feats.ark" for path in (tmp_path / "features", recipe)]
    assert arks[0].stat().st_size < arks[1].stat().st_size


def test_a_recipe_without_statistics_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"has none: run `./run.sh --stop_stage 6 "):
        copy_features(tmp_path, tmp_path / "features")


def test_all_parts_but_the_tests_run_on_a_cpu(folder, tmp_path, capsys):
    out = tmp_path / "results"
    chosen = ("rates", "steps", "objectives", "training")
    main(
        [
            *("--folder", str(folder), "--out", str(out), "--device", "cpu"),
            *("--minutes", "30", "--parts", *chosen),
        ]
    )
    results = json.loads((out / "gpu_check.json").read_text(encoding="utf-8"))
    assert results["machine"]["torch"] == torch.__version__
    assert min(results["rates"].values()) > 0
    steps = {(row["mode"], row["precision"]): row for row in results["steps"]}
    sizes = parts.SIZES["cpu"]
    assert set(steps) == {(m, p) for m in sizes.modes for p in parts.PRECISIONS}
    plain, soup = (steps[mode, "float32"] for mode in ("joint_pooled", "selected_refresh8"))
    assert soup["tflop"] > plain["tflop"] > 0
    assert plain["utilisation"] == pytest.approx(
        plain["tflop"] / plain["seconds"] / results["rates"]["float32"]
    )
    assert [row["objectives"] for row in results["objectives"]] == [3, 3, 5, 5]
    [run] = results["training"]["runs"].values()
    assert run["status"] == 0
    assert run["epochs"] == 1
    assert 0 < run["valid_loss"] < 20
    table = (out / "table.md").read_text(encoding="utf-8")
    assert table == render(results)
    assert "## Tests\n\nnot measured" in table
    assert table in capsys.readouterr().out


def test_what_no_time_is_left_for_is_named(folder, tmp_path):
    check = parts.Check("cpu", folder, tmp_path)
    check.results["rates"] = {}
    check.part("steps", lambda: 0.0)
    rows = check.results["steps"]
    assert len(rows) == 6
    assert {row["error"] for row in rows} == {"no time was left"}
    assert "| no time was left |" in render(check.results)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--minutes", "0"], "`--minutes` must be positive"),
        (["--folder", "nowhere"], "nowhere is no folder of `tools/gpu_check.sh prepare`"),
    ],
)
def test_options_that_cannot_be_are_refused(folder, words, said):
    with pytest.raises(ValueError, match=said):
        main(["--folder", str(folder), "--device", "cpu", *words])


def test_a_missing_package_or_gpu_is_named_before_any_work(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ValueError, match="PyTorch sees no GPU here"):
        main(["--folder", str(folder), "--out", str(tmp_path / "x")])
    (tmp_path / NEEDS).write_text("torch\nno-such-package\n", encoding="utf-8")
    with pytest.raises(ValueError, match="lacks no-such-package: install them"):
        main(["--folder", str(tmp_path), "--device", "cpu"])
    assert not (tmp_path / "x").exists()


def test_a_test_or_training_that_failed_ends_with_status_1(folder, tmp_path, monkeypatch, capsys):
    def failing(_, part, __):
        assert part == "tests"
        check.results["tests"] = {"passed": 1, "failed": 1, "skipped": 0, "failures": ["a::b"]}

    check = parts.Check("cpu", folder, tmp_path)
    monkeypatch.setattr(parts, "Check", lambda *_: check)
    monkeypatch.setattr(type(check), "part", failing)
    with pytest.raises(SystemExit) as end:
        main(
            ["--folder", str(folder), "--out", str(tmp_path), "--device", "cpu", "--parts", "tests"]
        )
    assert end.value.code == 1
    assert "error: test failed: a::b" in capsys.readouterr().err


def test_tests_that_were_all_skipped_and_modes_that_crashed_are_failures(capsys):
    none = {"passed": 0, "failed": 0, "skipped": 22, "failures": []}
    assert failures({"tests": none}) == ["tests: none passed, and 22 were skipped; see tests.log"]
    assert failures({"tests": {**none, "passed": 1}}) == []
    crashed = mode_cost_or_error("no spec", "joint", "float32", "cpu", {}, 0.0)
    assert "Traceback" in capsys.readouterr().err
    rows = [{"config": "tiny", "mode": "joint", **crashed}]
    rows += [{"config": "tiny", "mode": "joint", "error": "out of memory"}]
    assert len(failures({"steps": rows})) == 1


def test_a_training_without_a_whole_epoch_is_an_error(tmp_path):
    assert "no epoch is complete" in outcome(tmp_path, 1, Schedule(1, 2))["error"]


def test_trainings_differ_in_soup_and_seed_alone(folder):
    changes = variants(tuple(SOUPS), (1, 2))
    assert len(changes) == 6
    found = {
        name: options_of(folder / "features", own, Schedule(8, 50)) for name, own in changes.items()
    }
    default = found["vm_uas_seed1"]
    assert (default["trainer_conf"]["soup"], default["trainer_conf"]["order"]) == ("vm", "UAS")
    assert default["scheduler_conf"]["total_steps"] == 400
    assert found["vs_seed2"]["trainer_conf"]["soup"] == "vs"
    for options in found.values():
        differing = {key for key in default if options[key] != default[key]}
        assert differing <= {"trainer", "trainer_conf", "seed"}


def test_what_is_brought_is_all_that_the_machine_lacks():
    present, need_not = read_names(MACHINE)
    bring, met = needed_packages(ROOTS, present | need_not, "3.12")
    assert {"espnet", "torchjd", "kaldiio", "antlr4-python3-runtime"} <= set(bring)
    assert not set(bring) & (present | need_not)
    assert {"torch", "torchaudio", "numpy", "pytest"} <= met
    assert lacking(bring) == []
    nothing, _ = needed_packages(ROOTS, set(bring) | present | need_not, "3.12")
    assert nothing == {}


def test_a_line_that_is_no_name_is_refused(tmp_path):
    path = tmp_path / "machine.txt"
    path.write_text("torch  # 2.11\n\ntorch==2.11\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"line 3: 'torch==2.11' is no name"):
        read_names(path)


def test_marked_tests_are_found_and_their_report_is_read(tmp_path):
    names = {path.name for path in marked_files()}
    assert {"test_gpu.py", "test_gpu_training.py"} <= names
    path = tmp_path / "tests.xml"
    path.write_text(
        '<testsuites><testsuite><testcase classname="a" name="good"/>'
        '<testcase classname="a" name="bad"><failure/></testcase>'
        '<testcase classname="a" name="worse"><error/></testcase>'
        '<testcase classname="a" name="idle"><skipped/></testcase></testsuite></testsuites>',
        encoding="utf-8",
    )
    found = read_report(path)
    assert (found["passed"], found["failed"], found["skipped"]) == (1, 2, 1)
    assert found["failures"] == ["a::bad", "a::worse"]


def test_kernels_waits_and_busy_time_are_counted():
    def event(name, device, us=0.0, region=False):
        time_range = types.SimpleNamespace(elapsed_us=lambda: us)
        return types.SimpleNamespace(
            name=name, device_type=device, is_user_annotation=region, time_range=time_range
        )

    gpu, cpu = DeviceType.CUDA, DeviceType.CPU
    events = [
        event("gemm", gpu, 400.0),
        event("softmax", gpu, 200.0),
        event("Memcpy HtoD (Pageable -> Device)", gpu, 100.0),
        event("Memset (Device)", gpu, 50.0),
        event("Optimizer.step#AdamW.step", gpu, 900.0, region=True),
        event("cudaLaunchKernel", cpu),
        *[event("cudaStreamSynchronize", cpu)] * 3,
        event("cudaDeviceSynchronize", cpu),
    ]
    found = count_activity(events, seconds=0.0015)
    assert (found.kernels, found.waits) == (2, 3)
    assert found.busy == pytest.approx(0.5)


def run_script(*words):
    script = Path(__file__).parents[2] / "tools/gpu_check.sh"
    return subprocess.run([script, *words], capture_output=True, text=True)


def test_the_script_says_what_it_takes():
    assert "tools/gpu_check.sh prepare" in run_script("--help").stdout
    wrong = run_script("check")
    assert wrong.returncode == 2
    assert "takes prepare or run, but got 'check'" in wrong.stderr


def test_the_script_refuses_a_folder_that_is_not_there(tmp_path):
    refused = run_script("run", "--folder", str(tmp_path / "nowhere"), "--device", "cpu")
    assert refused.returncode == 1
    assert "nowhere is no folder of `tools/gpu_check.sh prepare`" in refused.stderr
