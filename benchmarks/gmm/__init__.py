"""A mixture of Gaussians, in the parameters of the ADBench problem: objective and gradient.

Source: Srajer, Kukelova and Fitzgibbon (2018), "A benchmark of selected algorithmic
differentiation tools on some problems in computer vision and machine learning".
"""

import numpy as np

from benchmarks.workload import Comparison

K, D, N = 25, 10, 1000
_RNG = np.random.default_rng(0)
ALPHAS = _RNG.normal(size=K)
MEANS = _RNG.random((K, D))
# Of each inverse covariance factor: logarithms of the diagonal, then what is below it, by columns.
FACTORS = _RNG.normal(size=(K, D * (D + 1) // 2)) * 0.3
X = _RNG.normal(size=(N, D))
GAMMA, M = 1.0, 0  # of the Wishart prior

WORKLOAD = Comparison(
    title="log-likelihood and gradient of 25 Gaussians in 10 dimensions, 1 000 points, float64",
    steps=("gradient",),
    tolerance=1e-8,
    limits={("gradient", "autograd"): 1.0},
)
