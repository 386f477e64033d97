"""The command that msp.sh trains with."""

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Bash = Callable[..., subprocess.CompletedProcess[str]]
MSP = Path(__file__).parents[2] / "egs2" / "TEMPLATE" / "msp1" / "msp.sh"


@pytest.mark.parametrize("ngpu", ["0", "4"])
def test_training_starts_a_process_for_each_gpu(bash: Bash, ngpu: str):
    lines = MSP.read_text().splitlines()
    start = next(n for n, line in enumerate(lines) if line.startswith("train_model() {"))
    function = "\n".join(lines[start : lines.index("}", start) + 1])
    # the real function; what it calls prints its words instead
    stubs = "python() { exec sleep 60 >/dev/null 2>&1; }; use_threads() { :; }; sleep() { :; }\n"
    settings = (
        f"threads=1 adapts=true ngpu={ngpu} cuda_cmd=echo stats_dir=stats normalize_args=()\n"
    )
    call = "train_model exp/a conf.yaml shapes --seed 1"
    result = bash(f"{stubs}{settings}{function}\n{call}")
    assert result.returncode == 0, result.stderr
    assert f"--gpus {ngpu} " in result.stdout
    assert f"--ngpu {ngpu} --resume true --multiprocessing_distributed true" in result.stdout
    assert result.stdout.rstrip().endswith("--seed 1")


@pytest.mark.parametrize(
    ("settings", "cores"),
    [
        ("num_threads=0 ngpu=0", "64"),
        ("num_threads=0 ngpu=4", "20"),
        ("num_threads=3 ngpu=4", "3"),
    ],
)
def test_training_on_gpus_does_not_ask_for_all_cores_of_the_machine_that_submits_it(
    bash: Bash, settings: str, cores: str
):
    lines = MSP.read_text().splitlines()
    (start,) = (n for n, line in enumerate(lines) if line.startswith("threads=${num_threads}"))
    chosen = "\n".join(lines[start : start + 3])
    assert bash(f"{settings} cores=64\n{chosen}\necho ${{threads}}").stdout == f"{cores}\n"


@pytest.mark.parametrize(("backend", "jobs"), [("local", "2"), ("slurm", "32"), ("ssh", "32")])
def test_decoding_jobs_of_other_machines_do_not_depend_on_the_cores_of_this_one(
    bash: Bash, backend: str, jobs: str
):
    (line,) = (line for line in MSP.read_text().splitlines() if line.startswith("((inference_nj"))
    settings = f"cmd_backend={backend} inference_nj=0 cores=2"
    assert bash(f"{settings}\n{line}\necho ${{inference_nj}}").stdout == f"{jobs}\n"


def test_training_that_has_succeeded_does_not_fail_with_the_command_that_showed_its_progress(
    bash: Bash,
):
    lines = MSP.read_text().splitlines()
    start = next(n for n, line in enumerate(lines) if line.startswith("train_model() {"))
    function = "\n".join(lines[start : lines.index("}", start) + 1])
    stubs = 'python() { exit 1; }; use_threads() { :; }; sleep() { wait "${follower}" || true; }\n'
    settings = "threads=1 adapts=true ngpu=0 cuda_cmd=true stats_dir=stats\n"
    result = bash(f"{stubs}{settings}{function}\ntrain_model exp/a conf.yaml shapes\necho done")
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.endswith("done\n")


@pytest.mark.parametrize(
    ("languages", "pairs", "prepared"),
    [
        (
            "fr",
            "fr_en de_en",
            ("en fr", "fr_en de_en"),
        ),  # more pairs, of the languages that are there
        ("fr", "", ("en fr", "fr_en")),  # with --force true the stage runs, though all is there
        ("de", "", ("de", "fr_en")),
    ],
)
def test_a_corpus_is_prepared_for_what_its_stamp_will_say(
    bash: Bash, tmp_path: Path, languages: str, pairs: str, prepared: tuple[str, str]
):
    lines = MSP.read_text().splitlines()
    start = next(n for n, line in enumerate(lines) if line.startswith("read -ra data_opts"))
    block = "\n".join(lines[start : lines.index("fi", start) + 1])
    (tmp_path / ".stage1.done").write_text(
        "setting opts=\nsetting languages=en fr\nsetting pairs=fr_en\n"
    )
    settings = f"local_data_opts= local_data_languages=true datadir=. nj=2 asr_langs='{languages}'"
    shown = 'printf \'%s\\n\' "${data_opts[@]}" "${data_settings[@]}"'
    result = bash(
        f". {MSP.parent}/scripts/short_name.sh\n{settings} st_pairs='{pairs}'\n{block}\n{shown}"
    )
    assert result.returncode == 0, result.stderr
    given = ["--asr_langs", prepared[0], "--st_pairs", prepared[1], "--nj", "2"]
    assert result.stdout.splitlines() == [
        *(*given, "opts="),
        *(f"languages={prepared[0]}", f"pairs={prepared[1]}"),
    ]


def test_all_of_stage_1_has_run_before_the_run_begins_anew_at_stage_2():
    lines = MSP.read_text().splitlines()
    anew = next(n for n, line in enumerate(lines) if line.startswith("    exec ./msp.sh"))
    first = [n for n, line in enumerate(lines) if re.match(r"(el)?if .*\bstage 1 \"", line)]
    assert len(first) == 3
    assert max(first) < anew
