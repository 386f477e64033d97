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
