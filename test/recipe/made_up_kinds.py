"""Kinds of objectives of a user's own, as short as can be: classes, and a second recording."""

from pathlib import Path

from espnet_soups.objectives.kind import Heads, Kind, Vocabulary
from espnet_soups.objectives.objective import Objective


class Tone(Kind):
    """Classes from a table `utt2<name>`, of all languages."""

    name = "tone"
    title = "Tones"
    sign = "T"
    label_type = "text"

    def objective(self, name, settings):
        """Return the objective."""
        file = settings.get("label_file", f"utt2{name}")
        kind = f"{type(self).__module__}:{type(self).__name__}"
        return Objective(name, kind, label=name, label_file=file, label_type=self.label_type)

    def vocabularies(self, objectives, run):
        """Return the list of classes of each objective."""

        def make(folder, label_file):
            def write(train, others):
                lines = (train / label_file).read_text().splitlines()
                classes = sorted({line.split(" ", 1)[1] for line in lines} - {"<na>"})
                folder.mkdir(parents=True, exist_ok=True)
                (folder / "classes.txt").write_text("".join(f"{name}\n" for name in classes))
                return f"{folder}/classes.txt: {len(classes)} classes", [f"{len(others)} others"]

            return write

        return [
            Vocabulary(
                folder=(folder := Path(run["datadir"]) / f"{item.name}_classes{run['speeds']}"),
                words=("--objectives", f"{item.name}.classes={folder}/classes.txt"),
                make=make(folder, item.label_file),
                file="classes.txt",
            )
            for item in objectives
        ]

    def stand_in(self, objectives, args):
        """Put two classes in the place of those that stage 5 finds."""
        for item in objectives:
            args.objectives[item.name]["classes"] = ["a", "b"]

    def inline(self, args):
        """Read the classes into the options."""
        for settings in args.objectives.values():
            if isinstance(settings.get("classes"), str):
                settings["classes"] = Path(settings["classes"]).read_text().split()

    def encoders(self, objectives, args):
        """Return what turns a class into its number."""
        import numpy as np

        def number(classes):
            return lambda text: np.array([classes.index(text)], dtype=np.int64)

        return {(o.label, ""): number(args.objectives[o.name]["classes"]) for o in objectives}

    def build_heads(self, objectives, args, parts):
        """Build a linear head for each."""
        size = parts.encoder_size
        classes = {o.name: len(args.objectives[o.name]["classes"]) for o in objectives}
        return Heads({name: build_head(size, number) for name, number in classes.items()})


class Clean(Tone):
    """Learns from a second recording; its head is of no use."""

    name = "clean"
    label_type = "audio"

    def vocabularies(self, objectives, run):
        """Return none."""
        return []

    def encoders(self, objectives, args):
        """Return none: it is audio."""
        return {}

    def build_heads(self, objectives, args, parts):
        """Build a head that is never asked."""
        return Heads({item.name: build_head(parts.encoder_size, 1) for item in objectives})


def build_head(size, classes):
    """Return a head that maps the mean of the frames to classes."""
    import torch

    from espnet_soups.losses.loss_sum import LossSum
    from espnet_soups.objectives.heads.head import Head

    class ToneHead(Head):
        def __init__(self):
            super().__init__()
            self.linear = torch.nn.Linear(size, classes)

        def forward(self, encoded, frame_lengths, labels, label_lengths):
            scores = self.linear(encoded.mean(dim=1))
            total = torch.nn.functional.cross_entropy(scores, labels[:, 0], reduction="sum")
            correct = (scores.argmax(dim=1) == labels[:, 0]).sum().float()
            return LossSum(total, torch.tensor(float(len(labels))), correct, len(labels))

    return ToneHead()
