"""The Hessian of the Rosenbrock function of 100 variables: second derivatives."""

import numpy as np

from benchmarks.workload import Comparison

X = np.random.default_rng(0).normal(size=100)

WORKLOAD = Comparison(
    title="Hessian of the Rosenbrock function, 100 float64",
    steps=("hessian",),
    tolerance=1e-10,
    limits={("hessian", "autograd"): 1.0},
)
