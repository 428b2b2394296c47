"""A million operations in a row: no recursion anywhere, time linear in length, bounded memory."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.figures import Figure, power_law, quartiles
from benchmarks.processes import run_module
from benchmarks.workload import Options


@dataclass(frozen=True)
class Deep:
    """Chains of growing length, each in a process of its own."""

    title: str = "up to 1 000 000 chained operations on 10 float64: built, differentiated, freed"
    sizes: tuple[int, ...] = (125_000, 250_000, 500_000, 1_000_000)
    repeats: int = 3
    memory_limit: float = 2.0  # GB
    exponent_limit: float = 1.1  # linear, with room for caches that stop fitting

    def measure(self, name: str, options: Options) -> list[Figure]:
        """Seconds of each phase and peak memory at full length; the exponent over all lengths."""
        sizes = tuple(n // 10 for n in self.sizes) if options.quick else self.sizes
        repeats = 1 if options.quick else self.repeats
        runs: dict[int, list[dict[str, float]]] = {n: [] for n in sizes}
        for k in range(repeats):
            for n in sizes:
                options.say(f"{name}: {n:,} operations ({k + 1}/{repeats})")
                runs[n].append(run_module("benchmarks.deep.measure", str(n)))
        longest = sizes[-1]
        figures = []
        phases = ("build", "gradient", "free")
        for phase in (*phases, "all"):
            parts = phases if phase == "all" else (phase,)
            low, middle, high = quartiles([sum(run[p] for p in parts) for run in runs[longest]])
            what = f"{longest:,} operations: {phase}"
            figures.append(Figure(name, what, "ours-eager", middle, "s", low, high))
        peak = max(run["peak"] for run in runs[longest])
        # The fastest run of each length: a machine that is busy for a while bends the curve.
        totals = [
            min(run["build"] + run["gradient"] + run["free"] for run in runs[n]) for n in sizes
        ]
        exponent = power_law(sizes, totals)
        figures += [
            Figure(name, "peak memory", "ours-eager", peak, "GB", limit=self.memory_limit),
            Figure(name, "time ~ length^p", "ours-eager", exponent, "p", limit=self.exponent_limit),
        ]
        return figures


WORKLOAD = Deep()
