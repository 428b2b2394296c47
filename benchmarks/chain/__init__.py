"""1 000 small operations in a row: what the framework itself costs, beside the arithmetic."""

from benchmarks.workload import Comparison

LENGTH = 250
WIDTH = 10

WORKLOAD = Comparison(
    title="250 × (z = tanh(1.01 z + 0.1) − 0.05) on 10 float64",
    steps=("forward", "gradient"),
    limits={("gradient", "torch"): 0.6},
)
