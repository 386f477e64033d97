import gc
import logging
import shutil

import pytest
import torch
from soup_options import SOUP
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from trained_runs import assert_same_end, load, records

NAMES = ["asr_en", "asr_fr", "asr_es", "st_fr_en", "st_es_en"]


def copy_run(source, target, keep_epochs):
    """Copy a run as it was when its last epochs had not begun."""
    shutil.copytree(source, target, symlinks=True)
    for epoch in range(keep_epochs + 1, 4):
        (target / f"{epoch}epoch.pth").unlink(missing_ok=True)


def test_a_run_stopped_after_an_epoch_and_resumed_equals_the_uninterrupted_one(runs, soup_run):
    runs.train("stopped", *SOUP, "--max_epoch", "1")
    assert_same_end(runs.train("stopped", *SOUP, "--max_epoch", "3"), soup_run)


def test_a_run_killed_while_it_saved_falls_back_to_the_checkpoint_before(runs, soup_run, caplog):
    folder = runs.root / "killed_while_saving"
    copy_run(soup_run, folder, keep_epochs=2)
    whole = (folder / "checkpoint.pth").read_bytes()
    (folder / "checkpoint.pth").write_bytes(whole[: len(whole) // 2])
    runs.train(folder.name, *SOUP, "--max_epoch", "3")
    assert "cut short: going on from" in caplog.text
    assert_same_end(folder, soup_run)


def test_a_run_killed_after_its_checkpoint_gets_its_model_file_back(runs, soup_run):
    folder = runs.root / "killed_after_saving"
    copy_run(soup_run, folder, keep_epochs=2)
    (folder / "latest.pth").unlink()
    (folder / "valid.loss.ave.pth").unlink()
    runs.train(folder.name, *SOUP, "--max_epoch", "3")
    assert (folder / "latest.pth").resolve().name == "3epoch.pth"
    assert_same_end(folder, soup_run)


def test_a_truncated_checkpoint_without_another_is_refused(runs, soup_run):
    folder = runs.root / "truncated"
    folder.mkdir()
    (folder / "checkpoint.pth").write_bytes((soup_run / "checkpoint.pth").read_bytes()[:1000])
    with pytest.raises(ValueError, match="is cut short, and there is no"):
        runs.train(folder.name, *SOUP, "--max_epoch", "3")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ((*SOUP, "--encoder_conf", "num_blocks=1"), "unknown tensor encoder.encoders.1"),
        ((*SOUP, "--encoder_conf", "cgmlp_linear_units=8"), r"tensor encoder\.\S+ is \("),
        (("--trainer", "msp", "--trainer_conf", "soup=vs"), "levels .* this run has levels"),
        (("--trainer", "default"), "written by `trainer: msp`"),
    ],
)
def test_a_checkpoint_of_another_configuration_is_refused(runs, soup_run, options, said):
    folder = runs.root / "other"
    shutil.rmtree(folder, ignore_errors=True)
    copy_run(soup_run, folder, keep_epochs=3)
    with pytest.raises(ValueError, match=said):
        runs.train("other", *options, "--max_epoch", "4")
    # ESPnet has written its own by then: the models of the folder could not be loaded any more
    assert (folder / "config.yaml").read_text() == (soup_run / "config.yaml").read_text()


def test_weights_losses_cosines_and_penalties_reach_tensorboard_by_name(soup_run):
    events = EventAccumulator(str(soup_run / "tensorboard" / "train"))
    events.Reload()
    found = set(events.Tags()["scalars"])
    kinds = ("loss", "lambda", "signal_share", "raised")
    expected = {f"{kind}/{name}" for kind in kinds for name in NAMES}
    expected |= {"penalty/level2", "distance/level1", "distance/level2", "raised/any", "loss"}
    expected |= {"gradient_norm/asr_en", "cosine/asr_en~asr_fr"}
    assert expected <= found
    valid = EventAccumulator(str(soup_run / "tensorboard" / "valid"))
    valid.Reload()
    assert {f"{kind}/{n}" for kind in ("loss", "acc") for n in NAMES} <= set(
        valid.Tags()["scalars"]
    )


def test_the_record_of_a_soup_holds_levels_weights_and_cosines(soup_run):
    found = records(soup_run)
    assert [record["epoch"] for record in found] == [1, 2, 3]
    last = found[-1]
    assert [level["objectives"] for level in last["levels"]] == [NAMES[:3], NAMES[3:]]
    assert last["levels"][1]["penalty"] == pytest.approx(0.04)
    assert all(sum(level["weights"]) == pytest.approx(1.0) for level in last["levels"])
    assert last["optimizer_steps"] == last["measured_steps"] > 0
    assert last["cosine"][0][0] == pytest.approx(1.0)
    for level in last["levels"]:
        uniform = 1 / len(level["weights"])
        distance = sum(abs(weight - uniform) for weight in level["weights"]) / 2
        assert level["distance"] == pytest.approx(distance)
        assert level["distance"] > 0
        assert level["moves"]
    assert 0 <= last["raised"]["asr_en"] <= last["raised_any"] <= 1
    assert all(count >= 6 for count in last["labels"].values())
    assert last["labels"]["asr_fr"] == last["labels"]["st_fr_en"]
    assert last["seconds"] > 0


def test_joint_training_leaves_the_same_record_without_cosines(joint_run):
    found = records(joint_run)
    assert [record["epoch"] for record in found] == [1, 2]
    assert found[-1]["levels"][0]["weights"] == [1.0] * 5
    assert found[-1]["loss"].keys() == found[-1]["valid_loss"].keys() == set(NAMES)
    assert found[-1]["cosine"] is None
    assert found[1]["valid_loss"]["asr_en"] < found[0]["valid_loss"]["asr_en"]


def test_the_log_of_an_epoch_names_levels_with_penalties_and_weights(runs, caplog):
    with caplog.at_level(logging.INFO):
        runs.train("logged", *SOUP, "--max_epoch", "1")
    assert "level 1 (top): asr_en 0.333, asr_fr 0.333, asr_es 0.333" in caplog.text
    assert "level 2 (penalty 0): st_fr_en 0.500, st_es_en 0.500" in caplog.text


def test_labels_longer_than_their_frames_are_counted_once_an_epoch(runs, caplog):
    text = runs.root / "long_text"
    lines = (runs.root / "train" / "text").read_text(encoding="utf-8").splitlines()
    lines[0] = lines[0].split()[0] + " " + "abcdefgh" * 20
    text.write_text("\n".join(lines) + "\n", encoding="utf-8")
    options = [word.replace(f"{runs.root}/train/text,", f"{text},") for word in runs.options]
    from espnet_soups.bin.msp_train import main

    folder = runs.root / "unalignable"
    one_batch = ("--batch_bins", "99999", "--max_epoch", "1")
    main([*options, "--output_dir", str(folder), *one_batch])
    said = [r.getMessage() for r in caplog.records if "took no part" in r.getMessage()]
    assert said == ["Labels longer than their frames took no part: 1 of 6 of asr_en"]
    assert records(folder)[0]["unalignable"] == {**dict.fromkeys(NAMES, 0), "asr_en": 1}


@pytest.mark.parametrize("options", [SOUP, ()], ids=["soup", "joint"])
def test_an_epoch_without_a_valid_step_is_an_error(runs, joint_run, options):
    weights = {k: torch.full_like(v, torch.nan) for k, v in load(joint_run / "1epoch.pth").items()}
    torch.save(weights, runs.root / "nan.pth")
    broken = ("--init_param", str(runs.root / "nan.pth"))
    named = r"was not finite: (\d+) \(asr_en: \1, .*st_es_en: \1\)\. Lower the learning rate"
    with pytest.raises(ValueError, match=rf"No step of epoch 1 was valid.*{named}"):
        runs.train("diverged", *options, "--max_epoch", "2", *broken)


def test_an_epoch_shorter_than_a_step_is_an_error(runs):
    with pytest.raises(ValueError, match=r"Epoch 1 made no step.*`accum_grad` \(1000\)"):
        runs.train("no_step", "--max_epoch", "1", "--accum_grad", "1000")


def test_joint_training_goes_on_without_the_steps_that_are_broken_and_names_them(runs, caplog):
    folder = runs.train_broken("broken", "fr-002", "--max_epoch", "1")
    (record,) = records(folder)
    skipped = record["skipped_steps"]
    assert record["not_finite"] == {"asr_fr": skipped, "st_fr_en": skipped}
    assert "The step was skipped: the loss of asr_fr, st_fr_en is not finite." in caplog.text
    said = f"not finite: {skipped} (asr_fr: {skipped}, st_fr_en: {skipped})"
    assert caplog.text.count(said) == 1
    parameters = load(folder / "1epoch.pth").values()
    assert all(torch.isfinite(value).all() for value in parameters)


def test_init_param_accepts_a_whole_model_or_a_module_and_refuses_what_does_not_fit(
    runs, joint_run
):
    path = joint_run / "1epoch.pth"
    runs.train("from_model", "--max_epoch", "1", "--init_param", str(path))
    runs.train("from_encoder", "--max_epoch", "1", "--init_param", f"{path}:encoder:encoder")
    incomplete = {k: v for k, v in load(path).items() if not k.startswith("encoder.after_norm")}
    torch.save(incomplete, runs.root / "incomplete.pth")
    for setting, said in (
        (str(runs.root / "incomplete.pth"), "lacks tensor encoder.after_norm.bias"),
        (str(runs.root / "absent.pth"), "does not exist"),
        (f"{path}:decoder:decoder", "'decoder'"),
    ):
        with pytest.raises((ValueError, OSError), match=said):
            runs.train("misfit", "--max_epoch", "1", "--init_param", setting)


def test_frozen_parameters_stay_as_they_were_given(runs, joint_run):
    start = joint_run / "1epoch.pth"
    options = ("--init_param", str(start), "--freeze_param", "encoder.encoders.0")
    after = load(runs.train("frozen", *SOUP, "--max_epoch", "1", *options) / "1epoch.pth")
    before = load(start)
    stayed = {name for name in before if torch.equal(before[name], after[name])}
    assert {name for name in before if name.startswith("encoder.encoders.0.")} <= stayed
    assert not {name for name in before if name.startswith("encoder.encoders.1.")} <= stayed


@pytest.mark.parametrize(
    "options",
    [
        ("--accum_grad", "2"),
        ("--trainer_conf", "mode=exact"),
        ("--trainer_conf", "layers=[encoder.encoders.1]", "--trainer_conf", "refresh=2"),
        ("--trainer_conf", "combiner=mgda"),
        ("--trainer_conf", "soup=custom", "--trainer_conf", "levels=[[st_*],[asr_*]]"),
        (
            *("--trainer_conf", "layers=conflicting", "--trainer_conf", "selection.steps=3"),
            *("--trainer_conf", "combiner=[pcgrad,famo]"),
        ),
        ("--encoding", "pooled", "--st_heads", "shared"),
    ],
)
def test_settings_of_a_soup_train(runs, options):
    name = "soup_" + "_".join(options).translate(str.maketrans("/[]*,", "_____"))
    folder = runs.train(name, *SOUP, "--max_epoch", "1", *options)
    record = records(folder)[0]
    assert all(value > 0 for value in record["valid_loss"].values())
    if "layers=conflicting" in options:
        assert record["selection"]["full_depth_steps"] == 3
        assert list(record["selection"]["conflict"]) == ["encoder.encoders.0", "encoder.encoders.1"]
        assert [level["combiner"] for level in record["levels"]] == ["pcgrad", "famo"]


# ESPnet's streaming data set never closes its files; they are collected here, not in a later test.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_statistics_are_collected_with_the_shapes_of_every_utterance(runs):
    folder = runs.train("stats", "--collect_stats", "true")
    gc.collect()
    for part in ("train", "valid"):
        shapes = (folder / part / "speech_shape").read_text(encoding="utf-8").splitlines()
        assert len(shapes) == 18
        assert (folder / part / "feats_stats.npz").exists()


def test_threads_that_follow_the_load_are_chosen_every_epoch_and_train_the_same_model(
    runs, joint_run, caplog
):
    with caplog.at_level(logging.INFO):
        folder = runs.train("free_threads", "--max_epoch", "2", "--adapt_threads", "true")
    chosen = [line for line in caplog.messages if line.startswith("Threads: 1, of 1 cores")]
    assert len(chosen) == 2
    assert_same_end(folder, joint_run)
