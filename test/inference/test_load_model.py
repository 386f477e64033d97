"""A model is loaded whole or not at all."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

from espnet_soups.data.token_list import train_sentencepiece
from espnet_soups.inference.load_model import find_model_file, load_model, load_tensors
from espnet_soups.inference.training_config import read_config
from espnet_soups.testing.toy_corpus import ToyExperiment

STATS = "exp/msp_stats/train/feats_stats.npz"


def copy_of(experiment: ToyExperiment, tmp_path: Path) -> Path:
    for name in ("config.yaml", "valid.acc.ave.pth"):
        shutil.copyfile(experiment.exp_dir / name, tmp_path / name)
    return tmp_path


def test_the_average_of_the_best_by_accuracy_comes_first(tmp_path: Path):
    (tmp_path / "config.yaml").touch()
    for name in ("valid.loss.best.pth", "valid.loss.ave.pth", "valid.acc.best.pth"):
        (tmp_path / name).touch()
        assert find_model_file(tmp_path).name == name
    (tmp_path / "valid.acc.ave.pth").touch()
    assert find_model_file(tmp_path).name == "valid.acc.ave.pth"
    assert find_model_file(tmp_path, "valid.loss.ave.pth") == tmp_path / "valid.loss.ave.pth"


def test_a_model_of_the_working_directory_is_taken_only_where_it_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    ours, other = tmp_path / "ours", tmp_path / "other"
    for folder, name in ((ours, "valid.loss.ave.pth"), (other, "valid.acc.ave.pth")):
        folder.mkdir()
        for file in ("config.yaml", name):
            (folder / file).touch()
    monkeypatch.chdir(other)
    assert find_model_file(ours) == ours / "valid.loss.ave.pth"
    assert find_model_file(ours, "valid.acc.ave.pth") == Path("valid.acc.ave.pth")


def test_an_average_is_found_without_its_link(tmp_path: Path):
    for name in ("config.yaml", "3epoch.pth", "valid.acc.ave_2best.pth"):
        (tmp_path / name).touch()
    assert find_model_file(tmp_path).name == "valid.acc.ave_2best.pth"


def test_a_folder_without_a_model_is_refused(tmp_path: Path):
    with pytest.raises(FileNotFoundError, match=r"has no config.yaml: give the folder"):
        find_model_file(tmp_path)
    (tmp_path / "config.yaml").touch()
    (tmp_path / "3epoch.pth").touch()
    with pytest.raises(FileNotFoundError, match=r"valid.acc.ave.pth or .*it has \['3epoch.pth'\]"):
        find_model_file(tmp_path)


def test_a_configuration_of_another_task_is_refused(separate: ToyExperiment, tmp_path: Path):
    folder = copy_of(separate, tmp_path)
    (folder / "config.yaml").write_text("token_list: [a]\n", encoding="utf-8")
    with pytest.raises(ValueError, match="declares no objective: it is not the conf"):
        load_model(folder)


def test_a_configuration_older_than_some_options_is_read(separate: ToyExperiment, tmp_path: Path):
    folder = copy_of(separate, tmp_path)
    config = yaml.safe_load((folder / "config.yaml").read_text(encoding="utf-8"))
    young = ("objectives", "languages", "ssl", "ssl_conf", "ssl_languages", "encoding")
    older = {name: value for name, value in config.items() if name not in young}
    (folder / "config.yaml").write_text(yaml.safe_dump(older), encoding="utf-8")
    model, args = load_model(folder)
    assert [objective.name for objective in model.objectives][-1] == "st_es_en"
    assert args.objectives == {}


def test_a_model_file_that_is_cut_short_is_refused(separate: ToyExperiment, tmp_path: Path):
    folder = copy_of(separate, tmp_path)
    path = folder / "valid.acc.ave.pth"
    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(ValueError, match="is cut short or not a model file"):
        load_model(folder)


def test_a_file_of_something_else_is_refused(tmp_path: Path):
    torch.save([1, 2], tmp_path / "list.pth")
    with pytest.raises(ValueError, match="holds no tensors by name"):
        load_tensors(tmp_path / "list.pth")


def test_missing_and_surplus_tensors_and_other_shapes_are_refused_by_name(
    separate: ToyExperiment, tmp_path: Path
):
    folder = copy_of(separate, tmp_path)
    whole = load_tensors(folder / "valid.acc.ave.pth")
    name = "heads.asr_fr.ctc.ctc_lo.bias"
    for changed, message in (
        ({key: value for key, value in whole.items() if key != name}, f"lacks tensor {name}"),
        ({**whole, "heads.asr_zh.bias": torch.zeros(1)}, "holds the unknown tensor heads.asr_zh"),
        ({**whole, name: torch.zeros(3)}, rf"tensor {name} is \(3,\) there and \(11,\) here"),
    ):
        torch.save(changed, folder / "valid.acc.ave.pth")
        with pytest.raises(ValueError, match=message):
            load_model(folder)


def test_the_model_of_a_training_checkpoint_is_taken(separate: ToyExperiment):
    tensors = load_tensors(separate.exp_dir / "checkpoint.pth")
    assert set(tensors) == set(load_tensors(separate.exp_dir / "latest.pth"))


def test_a_statistics_file_is_found_beside_the_model_and_missed_by_name(
    hybrid: ToyExperiment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    folder = copy_of(hybrid, tmp_path)
    config = (folder / "config.yaml").read_text(encoding="utf-8")
    stats = hybrid.exp_dir.parent / "feats_stats.npz"
    moved = config.replace(str(stats), "exp/stats/feats_stats.npz")
    assert moved != config
    (folder / "config.yaml").write_text(moved, encoding="utf-8")
    with pytest.raises(FileNotFoundError, match=r"names exp/stats/feats_stats.npz.*put it into"):
        load_model(folder)
    shutil.copyfile(stats, folder / "feats_stats.npz")
    model, args = load_model(folder)
    assert args.normalize_conf["stats_file"] == str(folder / "feats_stats.npz")
    assert not model.training


def test_sentencepiece_models_are_found_beside_the_model_and_missed_by_name(
    separate: ToyExperiment, tmp_path: Path
):
    folder = copy_of(separate, tmp_path)
    config = yaml.safe_load((folder / "config.yaml").read_text(encoding="utf-8"))
    config["asr_bpemodel"] = {"fr": "data/fr_token_list/bpe.model"}
    config["st_bpemodel"] = {"en": "data/en_token_list/st.model"}
    (folder / "config.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    (folder / "bpe.model").touch()
    with pytest.raises(FileNotFoundError, match=r"names data/en_token_list/st.model.*put it into"):
        read_config(folder)
    (folder / "st.model").touch()
    args = read_config(folder)
    assert args.asr_bpemodel == {"fr": str(folder / "bpe.model")}
    assert args.st_bpemodel == {"en": str(folder / "st.model")}


def statistics(path: Path, mean: float) -> None:
    """Write made-up statistics of 8 features, as stage 6 would."""
    path.parent.mkdir(parents=True, exist_ok=True)
    sums = {"sum": np.full(8, 10 * mean), "sum_square": np.full(8, 10 * (mean**2 + 2))}
    np.savez(path, count=10, **sums)


def in_a_recipe(experiment: ToyExperiment, recipe: Path) -> Path:
    """Copy a model into a recipe, with statistics named as stage 6 names them."""
    folder = recipe / "exp" / "msp_ours"
    folder.mkdir(parents=True)
    copy_of(experiment, folder)
    config = (folder / "config.yaml").read_text(encoding="utf-8")
    moved = config.replace(str(experiment.exp_dir.parent / "feats_stats.npz"), STATS)
    (folder / "config.yaml").write_text(moved, encoding="utf-8")
    return folder


def test_files_of_a_model_are_its_own_wherever_it_is_loaded_from(
    hybrid: ToyExperiment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    folder = in_a_recipe(hybrid, tmp_path / "ours")
    own = tmp_path / "ours" / STATS
    own.parent.mkdir(parents=True)
    shutil.copyfile(hybrid.exp_dir.parent / "feats_stats.npz", own)
    statistics(tmp_path / "other" / STATS, mean=3.0)
    monkeypatch.chdir(tmp_path / "other")
    assert load_model(folder)[1].normalize_conf["stats_file"] == str(own)
    own.unlink()
    with pytest.raises(FileNotFoundError, match=r"does not belong to this model: .*/other/exp/"):
        load_model(folder)


def test_a_recipe_whose_experiments_are_a_link_is_found(
    hybrid: ToyExperiment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    folder = in_a_recipe(hybrid, tmp_path / "scratch" / "ours")
    (tmp_path / "ours").mkdir()
    (tmp_path / "ours" / "exp").symlink_to(folder.parent)
    config = (folder / "config.yaml").read_text(encoding="utf-8")
    (folder / "config.yaml").write_text(config.replace(STATS, "data/stats.npz"), encoding="utf-8")
    own = tmp_path / "ours" / "data" / "stats.npz"
    own.parent.mkdir()
    shutil.copyfile(hybrid.exp_dir.parent / "feats_stats.npz", own)
    monkeypatch.chdir(tmp_path)
    found = load_model(Path("ours/exp/msp_ours"))[1].normalize_conf["stats_file"]
    assert found == str(own)


def test_a_model_copied_into_another_recipe_takes_none_of_its_files(
    hybrid: ToyExperiment, tmp_path: Path
):
    folder = in_a_recipe(hybrid, tmp_path / "other")
    statistics(tmp_path / "other" / STATS, mean=3.0)
    with pytest.raises(FileNotFoundError, match=r"put its own feats_stats.npz into .*msp_ours"):
        load_model(folder)
    shutil.copyfile(hybrid.exp_dir.parent / "feats_stats.npz", folder / "feats_stats.npz")
    found = load_model(folder)[1].normalize_conf["stats_file"]
    assert found == str(folder / "feats_stats.npz")


def test_a_sentencepiece_model_of_other_pieces_is_not_taken(
    separate: ToyExperiment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    name = "data/fr_token_list/asr_bpe_char/bpe.model"
    for recipe, texts in (("ours", ["abc", "bca"]), ("other", ["xyz", "zyx"])):
        place = (tmp_path / recipe / name).parent
        tokens = train_sentencepiece(texts, place, size=0, mode="char")
        if recipe == "ours":
            own = tokens
    folder = tmp_path / "ours" / "exp" / "msp"
    folder.mkdir(parents=True)
    config = yaml.safe_load((separate.exp_dir / "config.yaml").read_text(encoding="utf-8"))
    config["asr_bpemodel"] = {"fr": name}
    config["asr_token_list"]["fr"] = own
    (folder / "config.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    monkeypatch.chdir(tmp_path / "other")
    assert read_config(folder).asr_bpemodel == {"fr": str(tmp_path / "ours" / name)}
    (tmp_path / "ours" / name).unlink()
    with pytest.raises(FileNotFoundError, match=r"does not belong to this model: .*/other/data"):
        read_config(folder)


def test_an_unpacked_model_is_found_by_the_name_that_it_was_packed_under(tmp_path: Path):
    folder = tmp_path / "exp" / "msp"
    folder.mkdir(parents=True)
    for name in ("config.yaml", "3epoch.pth"):
        (folder / name).touch()
    (tmp_path / "meta.yaml").write_text("files: {asr_model_file: exp/msp/3epoch.pth}\n")
    assert find_model_file(folder) == folder / "3epoch.pth"
    (tmp_path / "meta.yaml").write_text("files: {asr_model_file: exp/other/3epoch.pth}\n")
    with pytest.raises(FileNotFoundError, match=r"it has \['3epoch.pth'\]"):
        find_model_file(folder)
