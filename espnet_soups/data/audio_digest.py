"""Compute digests of recordings, so that changed audio under old ids is noticed."""

import hashlib
from collections.abc import Collection, Sequence
from pathlib import Path

import numpy as np

from espnet_soups.files import read_table, write_table

ENDING = ".digest"
SPEECH = "speech"  # the audio of wav.scp, or the features made from it


def digest_audio(samples: np.ndarray, rate: int, speed: float) -> str:
    """Return a digest of the sound of a recording, whatever its format and place.

    Args:
        samples: Samples as they are read, `(samples,)`.
        rate: Sampling rate, Hz.
        speed: Speed at which they will be played, 1.0 or a factor.

    >>> digest_audio(np.zeros(3, np.float32), 8000, 1.0)
    'c0e8300e0c34efe7'
    """
    content = hashlib.blake2b(f"{rate} {speed:g} ".encode(), digest_size=8)
    content.update(samples.astype("<f4").tobytes())
    return content.hexdigest()


def digest_file(audio_file: Path) -> Path:
    """Return the file that holds the digests of a table of audio.

    Args:
        audio_file: The table, such as `wav.scp`, `feats.scp` or `clean.scp`.

    >>> digest_file(Path("dump/dev/feats.scp")).name, digest_file(Path("dump/dev/clean.scp")).name
    ('speech.digest', 'clean.digest')
    """
    stem = SPEECH if audio_file.name in ("wav.scp", "feats.scp") else audio_file.stem
    return audio_file.with_name(f"{stem}{ENDING}")


def copy_digests(source: Path, target: Path, keys: Collection[str]) -> None:
    """Write the digests of some utterances of a dumped set beside the tables of another folder.

    Sets that an earlier release dumped have none.

    Args:
        source: Folder of the dumped set.
        target: The other folder.
        keys: Ids of the utterances.
    """
    for path in sorted(source.glob(f"*{ENDING}")):
        digests = read_table(path)
        write_table(target / path.name, {key: digests[key] for key in keys})


def unite_digests(sources: Sequence[Path], target: Path) -> None:
    """Write the digests of the speech of several dumped sets into one table, if all have some.

    Args:
        sources: Folders of the dumped sets.
        target: Folder of the new table.
    """
    paths = [source / f"{SPEECH}{ENDING}" for source in sources]
    if all(path.is_file() for path in paths):
        united = {key: digest for path in paths for key, digest in read_table(path).items()}
        write_table(target / f"{SPEECH}{ENDING}", united)
