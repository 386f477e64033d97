"""Upload a bundle to the Hugging Face hub."""

import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory

from espnet_soups.inference.bundle import check_bundle
from espnet_soups.inference.hub_model import NAME, import_hub, unreachable


def upload_bundle(bundle: Path, name: str, private: bool = False) -> str:
    """Upload a bundle, file by file, so that the hub shows its card.

    Args:
        bundle: The zip file that `pack_model` wrote.
        name: `organisation/model`; the repository is created if missing.
        private: Whether a new repository is private.

    Returns:
        The address of the repository.

    Raises:
        OSError: If there is no such file.
        ValueError: If the file is no whole bundle, the name is not valid, or the hub refuses.
    """
    hub = import_hub()
    if not NAME.fullmatch(name) or "@" in name:
        raise ValueError(f"A model on the hub is named organisation/model, but got {name!r}.")
    if not bundle.is_file():
        raise FileNotFoundError(f"{bundle} does not exist: make it by `espnet-soups pack`.")
    with TemporaryDirectory() as folder:
        try:
            with zipfile.ZipFile(bundle) as archive:
                archive.extractall(folder)
        except zipfile.BadZipFile as error:
            raise ValueError(f"{bundle} is damaged, or not a bundle ({error}).") from error
        check_bundle(Path(folder), str(bundle))
        try:
            address = hub.create_repo(name, private=private, exist_ok=True)
            hub.upload_folder(
                repo_id=name, folder_path=folder, commit_message="Packed by espnet-soups"
            )
        except Exception as error:  # of the hub, and of whatever it uses for HTTP
            raise unreachable(name, "could not be uploaded", error) from error
    return str(address)
