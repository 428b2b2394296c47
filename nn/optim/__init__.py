"""Optimizers: pure rules, and ``Optimizer``, which binds a rule to the parameters of a model."""

from nn.optim.optimizer import Optimizer
from nn.optim.rules import Rule, State, adam, sgd

__all__ = ["Optimizer", "Rule", "State", "adam", "sgd"]
