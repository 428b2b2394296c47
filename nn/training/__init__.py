"""Training: the Trainer, and the History that it returns."""

from nn.training.history import History
from nn.training.trainer import Trainer

__all__ = ["History", "Trainer"]
