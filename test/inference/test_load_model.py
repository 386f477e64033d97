"""A model is loaded whole or not at all."""

import shutil
from pathlib import Path

import pytest
import torch
import yaml

from espnet_soups.inference.load_model import find_model_file, load_model, load_tensors
from espnet_soups.inference.training_config import read_config
from espnet_soups.testing.toy_corpus import ToyExperiment


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
    with pytest.raises(ValueError, match="is cut short or no model file"):
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
