"""Data: samples with targets, split, augmented and dealt out in batches."""

from nn.data.augment import add_shifts
from nn.data.batches import Batches, check_samples, split

__all__ = ["Batches", "add_shifts", "check_samples", "split"]
