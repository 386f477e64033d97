"""Write archives in ESPnet's packed format, by ESPnet's own command."""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from espnet_soups.files import read_yaml, whole_file, write_text

CONFIG = "config.yaml"


def write_pack(
    stage: Path, task: str, config: str, model: str, files: Sequence[str], output: Path
) -> None:
    """Write an archive by ESPnet's command.

    Args:
        stage: The folder that holds all files under the names they get in the archive.
        task: ESPnet's task, such as `asr`.
        config: The configuration, below `stage`.
        model: The model file, below `stage`.
        files: All files of the archive, below `stage`; `config` and `model` may be among them.
        output: The zip file.

    Raises:
        OSError: If it cannot be written.
    """
    options = [f"--{task}_train_config", config, f"--{task}_model_file", model]
    for name in files:
        options += [] if name in (config, model) else ["--option", name]
    written = output.with_suffix(".zip")  # ESPnet knows archives by their endings
    words = [task, *options, "--outpath", str(written.resolve())]
    done = subprocess.run(
        [sys.executable, "-m", "espnet2.bin.pack", *words],
        cwd=stage,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        written.unlink(missing_ok=True)
        raise OSError(f"{output}: ESPnet could not pack the model: {done.stderr.strip()[-300:]}")
    written.replace(output)


def pack_export(folder: Path, task: str, output: Path) -> None:
    """Pack the folder that `export_objective` wrote; `espnet.load` opens the archive.

    Args:
        folder: The exported model.
        task: ESPnet's task, such as `asr`.
        output: The zip file to write.

    Raises:
        OSError: If a file is missing or cannot be written.
        ValueError: If its configuration is not valid YAML.
    """
    config = read_yaml(folder / CONFIG, "the configuration of an exported model")
    output.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=output.parent, prefix=".pack.") as name:
        stage = Path(name)
        files = sorted(path for path in folder.iterdir() if path.is_file() and path != output)
        for path in files:
            shutil.copyfile(path, stage / path.name)
        # ESPnet makes names relative to the archive absolute when it unpacks it
        absolute = {str(path.resolve()): path.name for path in files}
        text = yaml.safe_dump(_renamed(config, absolute), allow_unicode=True, sort_keys=False)
        write_text(stage / CONFIG, text)
        with whole_file(output) as temporary:
            names = [path.name for path in files]
            write_pack(stage, task, CONFIG, "model.pth", names, temporary)


def _renamed(value: Any, names: dict[str, str]) -> Any:
    """Return a configuration with some of its texts replaced."""
    if isinstance(value, dict):
        return {key: _renamed(item, names) for key, item in value.items()}
    if isinstance(value, list):
        return [_renamed(item, names) for item in value]
    return names.get(value, value) if isinstance(value, str) else value
