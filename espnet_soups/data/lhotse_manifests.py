"""Read utterances from manifests of lhotse: sets of cuts, recordings with supervisions, and Shar.

Audio stays where it is. An utterance of Shar is named by its bytes inside a tar file.
"""

import importlib
import tarfile
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from espnet_soups.data.audio import OVERSHOOT
from espnet_soups.data.place import Place

ROUNDING = 0.001  # seconds; shorter differences are rounding of manifests
RESAMPLE = "resample"  # the one transform that we make ourselves, with `--resample true`
BROKEN = (AssertionError, AttributeError, EOFError, KeyError, TypeError, ValueError, zlib.error)
NO_AUDIO = (".nodata", ".nometa")  # endings of placeholders in Shar


@dataclass(frozen=True)
class Spoken:
    """An utterance of a manifest.

    Attributes:
        key: Its id.
        place: Its audio.
        supervision: lhotse's supervision; None: audio without labels.
    """

    key: str
    place: Place
    supervision: Any


def read_cuts(path: Path, audio_root: Path, labelled: bool = True) -> Iterator[Spoken]:
    """Read a manifest of cuts; each supervision is an utterance.

    Args:
        path: The manifest, such as `cuts.jsonl.gz`.
        audio_root: Folder from which relative paths of recordings lead.
        labelled: Whether the utterances are supervisions; if not, they are the cuts.

    Yields:
        The utterances.

    Raises:
        OSError: If there is no such file.
        ValueError: If it is malformed, or holds what cannot be read; the message names the cut.
    """
    for cut in _read_manifest(path, "cuts"):
        recording = _recording_of(cut, path)
        yield from _utterances(cut, _place_of(recording, audio_root, path), path, labelled)


def read_recordings(recordings: Path, supervisions: Path, audio_root: Path) -> Iterator[Spoken]:
    """Read a manifest of recordings and one of their supervisions, each of which is an utterance.

    Args:
        recordings: The one manifest.
        supervisions: The other one.
        audio_root: Folder from which relative paths of recordings lead.

    Yields:
        The utterances.

    Raises:
        OSError: If a file is missing.
        ValueError: If a file is malformed, or a recording is missing or cannot be read.
    """
    known = {recording.id: recording for recording in _read_manifest(recordings, "recordings")}
    found = False
    for supervision in _read_manifest(supervisions, "supervisions"):
        found = True
        recording = known.get(supervision.recording_id)
        if recording is None:
            raise ValueError(
                f"{supervisions}: supervision {supervision.id} is of recording"
                f" {supervision.recording_id}, which {recordings} lacks: add the recording, or take"
                " the supervision out."
            )
        _refuse_channels(recording, supervision.channel, f"{supervisions}: {supervision.id}")
        place = _place_of(recording, audio_root, recordings)
        yield _spoken(supervision, 0.0, recording.duration, place, supervisions)
    if not found:
        raise ValueError(f"{supervisions} holds no supervision.")


def read_shar(folder: Path, labelled: bool = True) -> Iterator[Spoken]:
    """Read a Shar folder: `cuts.*.jsonl.gz`, and `recording.*.tar` with the audio of each cut.

    Args:
        folder: The folder.
        labelled: Whether the utterances are supervisions; if not, they are the cuts.

    Yields:
        The utterances.

    Raises:
        OSError: If there is no such folder.
        ValueError: If a shard is missing, malformed or compressed, or a cut has no audio.
    """
    if not folder.is_dir():
        raise FileNotFoundError(f"There is no Shar folder {folder}.")
    cuts = sorted(p for p in folder.glob("cuts.*") if ".jsonl" in p.name)
    tars = sorted(folder.glob("recording.*"))
    if not cuts or len(cuts) != len(tars):
        raise ValueError(
            f"{folder} has {len(cuts)} shards of cuts (`cuts.*.jsonl.gz`) and {len(tars)} of audio"
            " (`recording.*.tar`), but each shard needs both: get those that are missing."
        )
    for manifest, tar in zip(cuts, tars, strict=True):
        audio = _audio_in(tar)
        for cut in _read_manifest(manifest, "cuts"):
            recording = _recording_of(cut, manifest)
            if cut.id not in audio:
                raise ValueError(
                    f"{tar} has no audio of cut {cut.id} of {manifest}: take the cut out, or write"
                    " the shard again."
                )
            _refuse_transforms(recording, manifest)
            yield from _utterances(cut, Place(str(tar), audio[cut.id]), manifest, labelled)


def _read_manifest(path: Path, kind: str) -> Iterator[Any]:
    """Yield the items of a manifest, one at a time where its format allows it."""
    if not path.is_file():
        raise FileNotFoundError(f"There is no manifest {path}.")
    lhotse = _import_lhotse()
    manifest, items = {
        "cuts": (lhotse.CutSet, (lhotse.cut.MonoCut, lhotse.cut.MultiCut)),
        "recordings": (lhotse.RecordingSet, lhotse.Recording),
        "supervisions": (lhotse.SupervisionSet, lhotse.SupervisionSegment),
    }[kind]
    lazy = ".jsonl" in path.suffixes
    number = 0
    try:
        read = manifest.from_jsonl_lazy(path) if lazy else lhotse.load_manifest(path, manifest)
        for item in read:
            number += 1
            if not isinstance(item, items):
                raise ValueError(f"it is a {type(item).__name__}; mixtures are not read")
            yield item
    except BROKEN as error:
        raise ValueError(
            f"{path} cannot be read as a manifest of {kind} of lhotse (item {number}):"
            f" {' '.join(str(error).split()) or type(error).__name__}."
        ) from error


def _import_lhotse() -> Any:
    try:
        return importlib.import_module("lhotse")
    except ImportError as error:
        raise ValueError(
            "Manifests of lhotse need the package lhotse, which is not installed: pip install"
            " 'espnet-soups[lhotse]'."
        ) from error


def _recording_of(cut: Any, path: Path) -> Any:
    """Return the recording of a cut."""
    if cut.recording is None:
        raise ValueError(
            f"{path}: cut {cut.id} has no recording (features of lhotse are not read): add the"
            " recordings to the manifest."
        )
    _refuse_channels(cut.recording, cut.channel, f"{path}: cut {cut.id}")
    return cut.recording


def _refuse_channels(recording: Any, channels: Any, place: str) -> None:
    wanted = {channels} if isinstance(channels, int) else set(channels)
    if wanted != set(recording.channel_ids):
        raise ValueError(
            f"{place} is of channel {sorted(wanted)} of {sorted(recording.channel_ids)}, but all"
            " channels of a file are averaged: write a file for each channel."
        )


def _refuse_transforms(recording: Any, path: Path) -> None:
    for transform in recording.transforms or ():
        name = transform["name"] if isinstance(transform, Mapping) else type(transform).__name__
        if name.lower() != RESAMPLE:
            raise ValueError(
                f"{path}: recording {recording.id} has the transform {name}, which is not made:"
                " save the audio with it, or take it out (speeds: `--speed_perturb_factors`)."
            )


def _place_of(recording: Any, audio_root: Path, path: Path) -> Place:
    """Return the place of a whole recording."""
    _refuse_transforms(recording, path)
    sources = recording.sources
    if len(sources) != 1 or sources[0].type != "file":
        kinds = ", ".join(source.type for source in sources)
        raise ValueError(
            f"{path}: recording {recording.id} has {len(sources)} sources of type {kinds}, but one"
            " `file` is expected: save the audio as one file."
        )
    return Place(str(audio_root / sources[0].source))


def _utterances(cut: Any, place: Place, path: Path, labelled: bool) -> Iterable[Spoken]:
    """Return the utterances of a cut, whose recording lies at `place`."""
    length = cut.recording.duration
    if not labelled:
        part = _part(place, cut.start, cut.end, length, f"{path}: cut {cut.id}")
        return [Spoken(cut.id, part, None)]
    for item in cut.supervisions:  # of one of two channels, where each has a speaker
        _refuse_channels(cut.recording, item.channel, f"{path}: supervision {item.id}")
    return [_spoken(item, cut.start, length, place, path) for item in cut.supervisions]


def _spoken(supervision: Any, start: float, length: float, place: Place, path: Path) -> Spoken:
    begin = start + supervision.start
    line = f"{path}: supervision {supervision.id}"
    part = _part(place, begin, begin + supervision.duration, length, line)
    return Spoken(supervision.id, part, supervision)


def _part(place: Place, begin: float, end: float, length: float, line: str) -> Place:
    """Return the place of some seconds of a recording; of all of it where it is all."""
    if begin < -ROUNDING or end > length + OVERSHOOT or begin >= end:
        raise ValueError(
            f"{line} lasts from {begin:.3f} to {end:.3f} s, but its recording has {length:.3f} s:"
            " correct it, or take it out."
        )
    if begin < ROUNDING and end > length - ROUNDING:
        return place
    return Place(place.path, place.span, (max(begin, 0.0), end))


def _audio_in(tar: Path) -> dict[str, tuple[int, int]]:
    """Return the first byte and the size of the audio of each cut in a tar file."""
    found = {}
    try:
        with tarfile.open(tar, "r:") as archive:
            for member in archive:
                name, _, ending = member.name.rpartition(".")
                if f".{ending}" not in (".json", *NO_AUDIO):
                    found[name] = (member.offset_data, member.size)
    except tarfile.TarError as error:
        raise ValueError(
            f"{tar} cannot be read as a tar file without compression: {error}; unpack it by gunzip,"
            " or get it again."
        ) from error
    return found


def merge(sources: Sequence[Iterator[Spoken]]) -> dict[str, Spoken]:
    """Return the utterances of several manifests by id.

    Args:
        sources: Utterances of each manifest.

    Raises:
        ValueError: If an id occurs twice.
    """
    found: dict[str, Spoken] = {}
    for source in sources:
        for item in source:
            if item.key in found:
                raise ValueError(
                    f"Utterance id {item.key} occurs twice, at {found[item.key].place} and at"
                    f" {item.place}: cuts may not overlap (`trim_to_supervisions` makes one cut of"
                    " each supervision), and several manifests need different ids."
                )
            found[item.key] = item
    return found
