import pytest

from espnet_soups.bin.search_weights import main
from espnet_soups.task.weight_search import read_grid, read_search, search_file

RECIPE = """#!/usr/bin/env bash
# Stands for a recipe: a translation weight of 0.5 is best.
set -euo pipefail
echo "$*" >>calls
for word in "$@"; do
    case "${word}" in
    --msp_tag=*) dir=exp/msp_${word#*=} ;;
    --train_args=*) weight=${word##*=} ;;
    esac
done
for word in "$@"; do [[ ${word} != --expdir=* ]] || dir=${word#*=}/${dir#exp/}; done
mkdir -p "${dir}"
accuracy=0.5
[[ ${weight} != 0.5 ]] || accuracy=0.7
for epoch in 1 2; do
    printf '{"epoch": %s, "objectives": ["asr_fr", "st_fr_en", "ssl"],' "${epoch}"
    printf ' "selects": ["asr_fr", "st_fr_en"],'
    printf ' "valid_loss": {"asr_fr": %s}, "valid_accuracy":' "${weight}"
    printf ' {"asr_fr": %s, "st_fr_en": 0.%s, "ssl": 0.9}}\\n' "${accuracy}" "${epoch}"
done >"${dir}/soup.jsonl"
"""


@pytest.fixture
def recipe(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "run.sh").write_text(RECIPE)
    (tmp_path / "run.sh").chmod(0o755)
    grid = "weights: {'asr_*': [1.0], 'st_*': [1.0, 0.5]}\n"
    (tmp_path / "grid.yaml").write_text(grid)
    return tmp_path


def test_every_combination_is_trained_and_the_best_one_is_scored(recipe, capfd):
    main(["--grid", "grid.yaml", "--", "./run.sh", "--ssl", "cpc"])
    calls = (recipe / "calls").read_text().splitlines()
    assert len(calls) == 3
    assert [call.endswith("--stop_stage 9") for call in calls] == [True, True, False]
    assert all(call.startswith("--ssl cpc --msp_tag=two_stage_static_asr1_st") for call in calls)
    best = "--trainer default --static_weights asr_*=1 --static_weights st_*=0.5"
    assert calls[2].endswith(f"_st0.5 --train_args={best}")
    table = capfd.readouterr().out.splitlines()[-3:-1]
    assert table[0].split() == ["0.4500", "+0.5000", "2", "asr_*", "1,", "st_*", "0.5"]
    assert table[1].split()[:2] == ["0.3500", "+0.0000"]


def test_options_of_the_recipe_stay_and_the_search_is_recorded(recipe, capfd):
    more = ("--train_args", "--max_epoch 3 --seed 2", "--expdir=other")
    main(["--grid", "grid.yaml", "--tag", "small", "--", "./run.sh", *more])
    calls = (recipe / "calls").read_text().splitlines()
    static = "--trainer default --static_weights asr_*=1 --static_weights st_*=1"
    assert f"--train_args=--max_epoch 3 --seed 2 {static} --stop_stage 9" in calls[0]
    search = read_search(search_file(recipe / "other", "small"))
    assert search is not None
    assert search.best == "small_static_asr1_st0.5"
    assert dict(search.weights) == {"asr_*": 1.0, "st_*": 0.5}
    assert (search.points, search.accuracy) == (2, pytest.approx(0.45))
    assert "wrote other/small_search.json" in capfd.readouterr().out
    assert read_search(search_file(recipe / "exp", "small")) is None
    search_file(recipe / "exp", "small").parent.mkdir()
    search_file(recipe / "exp", "small").write_text('{"points": []}')
    with pytest.raises(ValueError, match=r"small_search\.json holds no search"):
        read_search(search_file(recipe / "exp", "small"))


def test_a_failed_run_and_a_glob_without_objective_end_the_search(recipe):
    main(["--grid", "grid.yaml", "--", "./run.sh"])
    assert read_search(search_file(recipe / "exp", "two_stage")) is not None
    with pytest.raises(ValueError, match=r"`false .*ended with status 1"):
        main(["--grid", "grid.yaml", "--", "false"])
    assert read_search(search_file(recipe / "exp", "two_stage")) is None  # it was of other runs
    (recipe / "grid.yaml").write_text("weights: {'mt_*': [0.5]}\n")
    with pytest.raises(ValueError, match=r"'mt_\*' matches no objective"):
        main(["--grid", "grid.yaml", "--", "./run.sh"])


@pytest.mark.parametrize(
    "text",
    [
        "[]",
        "weights: {st_*: 1}",
        "weights: {st_*: [0]}",
        "weights: {st_*: [.inf]}",
        "weights: {st_*: [.nan, 1]}",
        "weights: {}",
        "weights: {",
    ],
)
def test_a_grid_that_is_none_is_refused(tmp_path, text):
    path = tmp_path / "grid.yaml"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"grid\.yaml"):
        read_grid(path)
