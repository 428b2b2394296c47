"""Automatic differentiation for programs written in NumPy style.

A program records one graph; it is run, differentiated to any order, checked and drawn from that
graph.

>>> import autodiff as ad
>>> x = ad.tensor([1.0, 2.0], requires_grad=True)
>>> loss = (x * ad.sin(x)).sum()
>>> ad.gradients(loss, x)
Tensor([1.38177329, 0.07700375])
"""

from importlib import import_module as _import_module
from typing import TYPE_CHECKING, Any

from autodiff import errors as errors
from autodiff.errors import AxisError as AxisError
from autodiff.errors import DTypeError as DTypeError
from autodiff.errors import GradientError as GradientError
from autodiff.errors import IndexingError as IndexingError
from autodiff.errors import ShapeError as ShapeError
from autodiff.graph import *
from autodiff.ops.accumulation import *
from autodiff.ops.activations import *
from autodiff.ops.comparison import *
from autodiff.ops.contraction import *
from autodiff.ops.creation import *
from autodiff.ops.discrete import *
from autodiff.ops.elementwise import *
from autodiff.ops.exponential import *
from autodiff.ops.indexing import *
from autodiff.ops.joining import *
from autodiff.ops.linalg import *
from autodiff.ops.movement import *
from autodiff.ops.reduction import *
from autodiff.ops.rounding import *
from autodiff.ops.selection import *
from autodiff.ops.sorting import *
from autodiff.ops.special import *
from autodiff.ops.trigonometric import *
from autodiff.ops.update import *
from autodiff.recording import ieee as ieee
from autodiff.recording import no_grad as no_grad
from autodiff.recording import scope as scope
from autodiff.tensor import Tensor as Tensor
from autodiff.transforms.custom import *
from autodiff.transforms.functional import *
from autodiff.transforms.reverse import *

if TYPE_CHECKING:
    from autodiff.checking import gradcheck as gradcheck
    from autodiff.drawing import draw as draw

__version__ = "0.1.0"

# Tools that a training run does not need are loaded when they are first named.
_TOOLS = {"draw": "autodiff.drawing", "gradcheck": "autodiff.checking"}


def __getattr__(name: str) -> Any:
    if name not in _TOOLS:
        raise AttributeError(f"module 'autodiff' has no attribute {name!r}")
    tool = getattr(_import_module(_TOOLS[name]), name)
    globals()[name] = tool
    return tool
