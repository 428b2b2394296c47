"""Neural networks of ``autodiff`` expressions: modules, losses, optimizers, training.

>>> import autodiff as ad
>>> import nn
>>> model = nn.Sequential(nn.Dense(2, 8, activation="tanh"), nn.Dense(8, 1))
>>> model(ad.zeros((5, 2), dtype="float32")).shape
(5, 1)
"""

from nn import activations, data, init, losses, metrics, optim
from nn.layers import Activation, Dense, Dropout, Flatten, Sequential
from nn.module import Module, call
from nn.parameter import Parameter
from nn.serialization import load, save
from nn.settings import default_dtype, generator, seed, set_default_dtype
from nn.training import History, Trainer

__all__ = [
    "Activation",
    "Dense",
    "Dropout",
    "Flatten",
    "History",
    "Module",
    "Parameter",
    "Sequential",
    "Trainer",
    "activations",
    "call",
    "data",
    "default_dtype",
    "generator",
    "init",
    "load",
    "losses",
    "metrics",
    "optim",
    "save",
    "seed",
    "set_default_dtype",
]
