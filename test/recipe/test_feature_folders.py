"""Where the recipes put features, and what decoding reads."""

from pathlib import Path

from tiny_recipe import run


def keys_of(path: Path) -> list[str]:
    return [line.split(" ")[0] for line in path.read_text().splitlines()]


def test_a_validation_set_that_is_a_test_set_too_is_scored_whole(recipe: Path):
    stages = ("--stage", "1", "--stop_stage", "4", "--speed_perturb_factors=")
    result = run(recipe, *stages, "--test_sets", "dev test", "--max_wav_duration", "0.7")
    assert result.returncode == 0, result.stdout[-3000:] + result.stderr[-3000:]
    assert result.stdout.count("stage 3: Features of dev — done") == 1
    (kept,) = recipe.glob("dump/fbank*/*-0.7s/dev")
    whole = kept.parents[1] / "dev"
    decoded = keys_of(whole / "feats.scp")
    assert decoded == keys_of(whole / "text") == keys_of(recipe / "data" / "dev" / "text")
    assert 0 < len(keys_of(kept / "feats.scp")) < len(decoded)


def test_other_settings_and_a_forgotten_option_leave_features_in_use_alone(recipe: Path):
    stages = ("--stage", "3", "--stop_stage", "3", "--speed_perturb_factors=")
    assert run(recipe, *stages).returncode == 0
    before = {path: path.stat() for path in recipe.glob("dump/fbank*/*/feats.*")}
    assert run(recipe, *stages, "--num_mel_bins", "10").returncode == 0
    wrong = run(recipe, *stages, "--fs", "16000")
    assert "but 16000 Hz are expected" in wrong.stderr
    assert run(recipe, *stages, "--fs", "16000", "--resample", "true").returncode == 0
    forgotten = run(recipe, *stages, "--fs", "16000")
    assert "stage 3: Features of train — up to date" in forgotten.stdout
    for path, status in before.items():
        assert (path.stat().st_ino, path.stat().st_mtime_ns) == (status.st_ino, status.st_mtime_ns)
    assert len(list(recipe.glob("dump/fbank*"))) == 3


def test_features_of_another_folder_of_data_take_a_folder_of_their_own(recipe: Path):
    marker = recipe / "dump" / ".datadir"
    assert marker.read_text() == "data\n"
    refused = run(recipe, "--stage", "3", "--stop_stage", "3", "--datadir", "data_2")
    assert refused.returncode == 1
    assert "--dumpdir dump holds features of --datadir data; name another one" in refused.stderr
    assert "such as --dumpdir dump_data_2\n" in refused.stderr
    assert "stage" not in refused.stdout
    assert marker.read_text() == "data\n"
