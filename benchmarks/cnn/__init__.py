"""A convolutional network, trained."""

from benchmarks.workload import Awaited

WORKLOAD = Awaited(
    title="64×1×28×28, conv 3×3 32, pool, conv 3×3 64, pool, 128, 10, Adam: a training step",
    reason="autodiff has no convolution yet; with it comes the sweep of kernel sizes and groups",
)
