"""The parts of the check, in the sizes of each device."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tools.benchmark.spec import BenchSpec, read_spec
from tools.gpu_check.device import describe
from tools.gpu_check.rates import matrix_rates
from tools.gpu_check.step_costs import MODES, SCALED, mode_cost_or_error, sized
from tools.gpu_check.trainings import SOUPS, Schedule, train_all, variants
from tools.gpu_check.unit_tests import run_marked

TINY = str(Path(__file__).with_name("tiny.yaml"))
PRECISIONS = ("float32", "bfloat16")


@dataclass(frozen=True)
class Sizes:
    """Sizes of the check.

    Attributes:
        configs: Configurations of the benchmark.
        modes: Its modes.
        scaled: Configuration for the numbers of objectives.
        objectives: The numbers.
        least: Seconds that a mode is timed at least.
        soups: Soups of the trainings.
        seeds: Their seeds.
        schedule: Their length.
    """

    configs: tuple[str, ...]
    modes: tuple[str, ...]
    scaled: str
    objectives: tuple[int, ...]
    least: float
    soups: tuple[str, ...]
    seeds: tuple[int, ...]
    schedule: Schedule


SIZES = {
    "cuda": Sizes(
        configs=("e_branchformer_12", "conformer_83m"),
        modes=MODES,
        scaled="asterisk",
        objectives=(9, 21, 81),
        least=1.0,
        soups=tuple(SOUPS),
        seeds=(1, 2),
        schedule=Schedule(8, 50),
    ),
    "cpu": Sizes(
        configs=(TINY,),
        modes=("joint_pooled", "selected_refresh8", "espnet_st"),
        scaled=TINY,
        objectives=(3, 5),
        least=0.0,
        soups=("vm_uas",),
        seeds=(1,),
        schedule=Schedule(1, 2, 20000),
    ),
}


class Check:
    """The check of a device.

    Args:
        device: `cpu` or `cuda`.
        folder: What `prepare` has made.
        out: Folder for results and logs.

    Attributes:
        results: What has been measured so far, by part.
    """

    def __init__(self, device: str, folder: Path, out: Path) -> None:
        self.device, self.folder, self.out = device, folder, out
        self.sizes = SIZES[device]
        self.results: dict[str, Any] = {"machine": describe(device)}

    def part(self, name: str, left: Callable[[], float]) -> None:
        """Run a part; what it measures enters `results` as it comes.

        Args:
            name: Its name.
            left: Function that returns the seconds that it has.
        """
        getattr(self, f"_{name}")(left)

    def _tests(self, left: Callable[[], float]) -> None:
        self.results["tests"] = run_marked(self.device, self.out, left())

    def _rates(self, _: Callable[[], float]) -> None:
        self.results["rates"] = matrix_rates(self.device)

    def _steps(self, left: Callable[[], float]) -> None:
        specs = [read_spec(config) for config in self.sizes.configs]
        # what is cheap and wanted most comes first
        todo = [(s, m, p) for m in self.sizes.modes for p in PRECISIONS for s in specs]
        self._measure("steps", todo, left)

    def _objectives(self, left: Callable[[], float]) -> None:
        spec = read_spec(self.sizes.scaled)
        sizes = self.sizes.objectives
        self._measure(
            "objectives", [(sized(spec, k), m, "float32") for k in sizes for m in SCALED], left
        )

    def _training(self, left: Callable[[], float]) -> None:
        schedule = self.sizes.schedule
        changes = variants(self.sizes.soups, self.sizes.seeds)
        features, out = self.folder / "features", self.out / "exp"
        found = train_all(features, out, self.device, changes, schedule, left())
        self.results["training"] = found | asdict(schedule)

    def _measure(
        self, part: str, todo: list[tuple[BenchSpec, str, str]], left: Callable[[], float]
    ) -> None:
        """Measure some modes, as long as there is time."""
        if "rates" not in self.results:
            self._rates(left)
        rows = self.results.setdefault(part, [])
        for spec, mode, precision in todo:
            asked: dict[str, Any] = {"config": spec.name, "mode": mode, "precision": precision}
            asked["objectives"] = spec.batch.objectives
            if left() <= 0:
                rows.append(asked | {"error": "no time was left"})
                continue
            rates, least = self.results["rates"], self.sizes.least
            found = mode_cost_or_error(spec, mode, precision, self.device, rates, least)
            rows.append(asked | found)
