"""Data: samples with targets, split and dealt out in batches."""

from nn.data.batches import Batches, check_samples, split

__all__ = ["Batches", "check_samples", "split"]
