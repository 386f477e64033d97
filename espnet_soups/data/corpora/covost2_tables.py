"""Find the translation tables of CoVoST 2: directions, official sizes, and how to get them."""

from collections.abc import Sequence
from pathlib import Path

from espnet_soups.data.download import fetch_file
from espnet_soups.data.one_at_a_time import one_at_a_time
from espnet_soups.data.unpack import unpack

URL = "https://dl.fbaipublicfiles.com/covost/covost_v2.{direction}.tsv.tar.gz"  # 3 to 26 MB
INTO_ENGLISH = (
    "fr de es ca it ru zh-CN pt fa et mn nl tr ar sv-SE lv sl ta ja id cy".split()  # noqa: SIM905
)
FROM_ENGLISH = "de ca zh-CN fa et mn tr ar sv-SE lv sl ta ja id cy".split()  # noqa: SIM905
# A row's `split` to our set. The extended training set of version 2 has the first two; the
# extended dev and test sets of version 1 are left out.
SETS = {"train": "train", "train_covost": "train", "dev": "dev", "test": "test"}
# Utterances of CoVoST 2; the same for every direction from English.
OFFICIAL = {
    "fr": {"train": 207_374, "dev": 14_760, "test": 14_760},
    "de": {"train": 127_834, "dev": 13_511, "test": 13_511},
    "es": {"train": 79_015, "dev": 13_221, "test": 13_221},
    "ca": {"train": 95_854, "dev": 12_730, "test": 12_730},
    "en": {"train": 289_430, "dev": 15_531, "test": 15_531},
}


def directions_of(language: str, pairs: Sequence[str]) -> list[str]:
    """Return the directions whose tables a spoken language needs.

    Args:
        language: The spoken language.
        pairs: Pairs that are translated, such as `fr_en`.

    Returns:
        Directions. A language that is only recognised takes its split from one: `<language>_en`,
        and `en_de` for English.

    Raises:
        ValueError: If CoVoST 2 has no such direction.
    """
    chosen = [pair for pair in pairs if pair.rpartition("_")[0] == language]
    chosen = chosen or ["en_de" if language == "en" else f"{language}_en"]
    for pair in chosen:
        source, _, target = pair.rpartition("_")
        known = FROM_ENGLISH if source == "en" else INTO_ENGLISH
        if (target if source == "en" else source) not in known or "en" not in (source, target):
            raise ValueError(
                f"CoVoST 2 has no direction {pair}: it translates {' '.join(INTO_ENGLISH)} into en,"
                f" and en into {' '.join(FROM_ENGLISH)}."
            )
    return chosen


def find_table(direction: str, folders: Sequence[Path], downloads: Path) -> Path:
    """Find the table of a direction; unpack or fetch it if needed.

    Args:
        direction: Such as `fr_en`.
        folders: Folders that may hold it, as `covost_v2.<direction>.tsv` or its `.tar.gz`.
        downloads: Folder for a table that is unpacked or fetched.

    Raises:
        OSError: If it cannot be fetched.
    """
    name = f"covost_v2.{direction}.tsv"
    for folder in (*folders, downloads):
        if (folder / name).is_file():
            return folder / name
    with one_at_a_time(downloads):
        if (downloads / name).is_file():  # another run has unpacked it meanwhile
            return downloads / name
        for folder in folders:
            if (folder / f"{name}.tar.gz").is_file():
                return _unpacked(folder / f"{name}.tar.gz", downloads, name)
        archive = downloads / f"{name}.tar.gz"
        fetch_file(URL.format(direction=direction), archive)
        return _unpacked(archive, downloads, name)


def _unpacked(archive: Path, folder: Path, name: str) -> Path:
    for path in unpack(archive, folder, depth=0):
        found = path if path.name == name else path / name
        if found.is_file():
            if found != folder / name:
                found.replace(folder / name)
            return folder / name
    raise FileNotFoundError(f"{archive} does not hold {name}: delete it and fetch it again.")
