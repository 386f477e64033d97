import subprocess
import sys

import pytest
import torch
from combiner_problems import build, draw_shown

from espnet_soups.weighting.catalogue import PACKAGES, REFUSED
from espnet_soups.weighting.combiner import Shown
from espnet_soups.weighting.registry import (
    build_combiner,
    combiner_names,
    combiner_needs,
    combiner_options,
    combiner_remembers,
)

# Their published directions can walk against an objective.
NEGATIVE = {"aligned_mtl", "config", "gradvac", "imtl_g"}


@pytest.mark.parametrize("name", combiner_names())
def test_every_combiner_keeps_the_mass_of_its_level_step_after_step(name):
    generator = torch.Generator().manual_seed(0)
    combiner, state = build(name), {}
    weights = torch.rand(4, generator=generator, dtype=torch.float64) + 0.01
    mass = float(weights.sum())
    for step in range(12):  # cross Grams are often indefinite
        shown = draw_shown(combiner, generator, epoch=1 + step // 4)
        weights, state = combiner(weights, shown, state)
        assert (weights >= 0).all() or name in NEGATIVE
        assert float(weights.sum()) == pytest.approx(mass)
        assert float(weights.abs().sum()) <= 10.001 * mass


@pytest.mark.parametrize("name", combiner_names())
def test_every_combiner_goes_on_bit_for_bit_from_a_saved_state(name, tmp_path):
    combiner, state = build(name), {}
    generator = torch.Generator().manual_seed(1)
    weights = combiner.initial(4).double()
    shown = [draw_shown(combiner, generator, epoch=1 + step // 2) for step in range(8)]
    for step in range(5):
        weights, state = combiner(weights, shown[step], state)
    torch.save({"weights": weights, "state": dict(state)}, tmp_path / "state.pth")
    torch.randn(3)  # the generator of the training stands elsewhere after a resume
    saved = torch.load(tmp_path / "state.pth", weights_only=True)
    other, other_weights, other_state = build(name), saved["weights"], saved["state"]
    for step in range(5, 8):
        before = torch.random.get_rng_state()
        weights, state = combiner(weights, shown[step], state)
        assert torch.equal(torch.random.get_rng_state(), before)
        other_weights, other_state = other(other_weights, shown[step], other_state)
        assert torch.equal(weights, other_weights)


@pytest.mark.parametrize("name", combiner_names())
def test_a_step_that_is_not_made_leaves_no_trace_in_a_combiner(name):
    combiner = build(name)
    generator = torch.Generator().manual_seed(2)
    first, lost, second = (draw_shown(combiner, generator) for _ in range(3))
    weights, state = combiner(combiner.initial(4).double(), first, {})
    combiner(weights, lost, state)  # skipped: what it gave is thrown away
    after = combiner(weights, second, state)[0]
    reference = build(name)
    weights, state = reference(reference.initial(4).double(), first, {})
    assert torch.equal(reference(weights, second, state)[0], after)


@pytest.mark.parametrize("name", combiner_names())
def test_what_a_combiner_looks_at_is_what_the_table_says(name):
    combiner, needs = build(name), combiner_needs(name)
    assert combiner.measures == ("Gram" in needs)
    assert combiner.needs_losses == (needs == "losses")
    assert combiner.symmetric == (needs == "Gram") or needs in ("losses", "nothing")
    generator = torch.Generator().manual_seed(3)
    shown = draw_shown(combiner, generator)
    blind = Shown(
        shown.gram if combiner.measures else torch.zeros(4, 4),
        shown.losses if combiner.needs_losses else torch.zeros(4),
    )
    weights = combiner.initial(4).double()
    assert torch.equal(combiner(weights, shown, {})[0], combiner(weights, blind, {})[0])


@pytest.mark.parametrize("name", combiner_names())
def test_a_combiner_that_remembers_is_known_to_and_no_other(name):
    combiner = build(name)
    shown = draw_shown(combiner, torch.Generator().manual_seed(4))
    _, state = combiner(combiner.initial(4).double(), shown, {})
    assert bool(state) is combiner_remembers(name)


def test_options_are_those_that_yaml_can_say():
    assert combiner_options("upgrad").keys().isdisjoint({"self", "projector"})
    assert combiner_options("uw") == {"lr": 0.025}
    assert combiner_options("fairgrad")["alpha"] == 1.0


def test_what_remembers_or_compares_objectives_needs_all_of_its_level():
    for name in ("cr_mogm", "gradvac", "krum", "sdmgrad", "dwa", "famo", "uw"):
        assert build(name).complete is True, name
    for name in ("mgda", "modo", "pcgrad", "random", "stch"):
        assert build(name).complete is False, name


def test_moves_are_counted_from_0_so_that_random_numbers_stay_what_they_were():
    combiner = build("random")
    shown = draw_shown(combiner, torch.Generator().manual_seed(5))
    weights, state = combiner(combiner.initial(4).double(), shown, {})
    assert state["moves"] == 1
    again, _ = combiner(weights, shown, {"moves": torch.tensor(0)})
    torch.testing.assert_close(again, weights)


def test_a_level_of_one_objective_takes_any_combiner_since_its_weight_never_moves():
    assert build("krum", names=("a",)).name == "krum"


@pytest.mark.parametrize("name", ["random", "pcgrad", "gradvac"])
def test_random_numbers_differ_by_step_level_and_seed_and_not_by_process(name):
    shown = Shown(
        torch.tensor([[1, -0.6, -0.6], [-0.6, 1, -0.3], [-0.6, -0.3, 1.0]]), torch.ones(3)
    )

    def weigh(level=1, seed=0, steps=1):
        combiner, state = build(name, {"seed": seed}, "abc", level), {}
        for _ in range(steps):
            weights, state = combiner(torch.full((3,), 1 / 3), shown, state)
        return weights

    assert torch.equal(weigh(), weigh())
    others = [weigh(level=level, seed=seed) for level in (1, 2, 3) for seed in (0, 1, 2)]
    assert len({tuple(other.tolist()) for other in others}) > 1
    if name == "random":
        assert not torch.equal(weigh(steps=1), weigh(steps=2))


def test_an_unknown_combiner_lists_the_valid_ones():
    with pytest.raises(ValueError, match=r"'mgda'.*'modo'.*but got 'modoo'"):
        build_combiner("modoo", {})


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_what_cannot_work_is_refused_with_the_reason(name):
    with pytest.raises(ValueError, match=f"`combiner: {name}` cannot be offered: .*rows"):
        build_combiner(name, {})


@pytest.mark.parametrize("name", combiner_names())
def test_an_unknown_option_is_named_with_the_valid_ones(name):
    with pytest.raises(ValueError, match=rf"of {name} has no 'gama'.*; its keys are"):
        build_combiner(name, {"gama": 1})


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        ("modo", {"gamma": -1.0}, "`gamma`"),
        ("modo", {"gamma": "1e-3"}, "`gamma` must be a number.*in YAML write 0.001"),
        ("cagrad", {"c": "half"}, "`c` must be a number"),
        ("krum", {"n_byzantine": 2}, "for the 4 objectives of level 1: .*at least 5 rows"),
        ("aligned_mtl", {"scale_mode": "max"}, "scale_mode"),
        ("stch", {"mu": 0.0}, "`mu`"),
        ("static", {"weights": [1.0, 2.0]}, "`weights` needs 4 numbers"),
        ("static", {"weights": {"x*": 1.0}}, "matches no objective"),
        ("constant", {"weights": [0, 0, 0, 0]}, "one positive"),
        ("constant", {}, "weights"),
        ("static", {"weights": [3.0, -1.0, 1.0, 1.0]}, "must not be negative"),
        ("uw", {"lr": 0}, "`lr` of uw"),
        ("random", {"seed": "x"}, "`seed`"),
        ("cr_mogm", {"base": "modo"}, "`base` must be one of"),
        ("cr_mogm", {"base_conf": {"x": 1}}, "of mgda has no"),
        ("dwa", {"temperature": 0}, "`temperature`"),
        ("famo", {"lr": -1}, "`lr`"),
        ("nash_mtl", {"eps": 0}, "`eps`"),
        ("pcd", {"tau": [0.1, 0.1]}, "tau"),
    ],
)
def test_a_value_that_is_not_valid_is_refused_before_training(name, options, said):
    with pytest.raises(ValueError, match=rf"`combiner_conf` of {name} .*{said}"):
        build_combiner(name, options, ["a", "b", "c", "d"])


@pytest.mark.parametrize("name", sorted(PACKAGES))
def test_a_missing_package_is_named_with_the_pip_command(name, monkeypatch):
    import torchjd._mixins

    monkeypatch.setattr(torchjd._mixins, "find_spec", lambda module: None)
    command = r"pip install 'espnet-soups\[combiners\]'"
    with pytest.raises(ValueError, match=rf"`combiner: {name}` lacks a package: {command}"):
        build_combiner(name, {}, ["a", "b"])


def test_static_weights_are_given_by_name_and_scaled_to_the_level():
    names = ["asr_en", "asr_fr", "st_fr_en"]
    combiner = build("static", {"weights": {"st_*": 0.5, "asr_fr": 2}}, names)
    expected = torch.tensor([1.0, 2.0, 0.5], dtype=torch.float64) / 3.5
    torch.testing.assert_close(combiner.initial(3), expected)


def test_help_and_the_list_of_names_do_not_import_torch():
    code = (
        "import sys\n"
        "from espnet_soups.bin.list_combiners import main\n"
        "try:\n    main(['--help'])\n"
        "except SystemExit:\n    sys.exit('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "--markdown" in done.stdout


@pytest.mark.parametrize("name", ["aligned_mtl", "dualproj", "upgrad"])
def test_an_option_with_a_number_per_objective_needs_all_of_its_level(name):
    assert not build(name).complete
    assert build(name, {"pref_vector": [1.0, 2.0, 1.0, 1.0]}).complete
