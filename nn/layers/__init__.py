"""Layers: modules that are ready to use, a family a file."""

from nn.layers.basic import Activation, Dense, Flatten, Sequential
from nn.layers.dropout import Dropout

__all__ = ["Activation", "Dense", "Dropout", "Flatten", "Sequential"]
