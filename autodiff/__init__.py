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
from autodiff import memory as _memory
from autodiff import registry as _registry
from autodiff.dtypes import *
from autodiff.errors import AxisError as AxisError
from autodiff.errors import DTypeError as DTypeError
from autodiff.errors import GradientError as GradientError
from autodiff.errors import IndexingError as IndexingError
from autodiff.errors import LinAlgError as LinAlgError
from autodiff.errors import ShapeError as ShapeError
from autodiff.errors import UnsupportedError as UnsupportedError
from autodiff.errors import VmapError as VmapError
from autodiff.graph import *
from autodiff.memory import keep_freed_memory as keep_freed_memory
from autodiff.ops.accumulation import *
from autodiff.ops.activations import *
from autodiff.ops.comparison import *
from autodiff.ops.complex import *
from autodiff.ops.contraction import *
from autodiff.ops.creation import *
from autodiff.ops.discrete import *
from autodiff.ops.elementwise import *
from autodiff.ops.exponential import *
from autodiff.ops.indexing import *
from autodiff.ops.joining import *
from autodiff.ops.logsumexp import *
from autodiff.ops.movement import *
from autodiff.ops.reduction import *
from autodiff.ops.rounding import *
from autodiff.ops.selection import *
from autodiff.ops.softmax import *
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
    from autodiff import fft as fft
    from autodiff import linalg as linalg
    from autodiff import random as random
    from autodiff import special as special
    from autodiff.checking import gradcheck as gradcheck
    from autodiff.drawing import draw as draw
    from autodiff.ops.arrangement import *
    from autodiff.ops.assembly import *
    from autodiff.ops.bessel import *
    from autodiff.ops.borrowed import *
    from autodiff.ops.closeness import *
    from autodiff.ops.convolution import *
    from autodiff.ops.convolution_transposes import *
    from autodiff.ops.diagonal import *
    from autodiff.ops.differences import *
    from autodiff.ops.entropy import *
    from autodiff.ops.extremes import *
    from autodiff.ops.floats import *
    from autodiff.ops.gamma import *
    from autodiff.ops.incomplete import *
    from autodiff.ops.integers import *
    from autodiff.ops.linalg import *
    from autodiff.ops.missing import *
    from autodiff.ops.names import *
    from autodiff.ops.normal import *
    from autodiff.ops.picking import *
    from autodiff.ops.polynomial import *
    from autodiff.ops.pooling import *
    from autodiff.ops.pooling_average import *
    from autodiff.ops.positions import *
    from autodiff.ops.products import *
    from autodiff.ops.quantiles import *
    from autodiff.ops.roots import *
    from autodiff.ops.sets import *
    from autodiff.ops.signal import *
    from autodiff.ops.sinc import *
    from autodiff.ops.slices import *
    from autodiff.ops.statistics import *
    from autodiff.transforms.batch import *
    from autodiff.transforms.checkpoint import *
    from autodiff.transforms.control import *
    from autodiff.transforms.derived import *
    from autodiff.transforms.forward import *
    from autodiff.transforms.implicit import *

__version__ = "0.1.0"

_memory.keep_by_default()

# What few programs use is loaded when it is first named, so that `import autodiff` costs little
# more than `import numpy`: tools and namespaces one by one, all the other functions together.
_TOOLS = {"draw": "autodiff.drawing", "gradcheck": "autodiff.checking"}
_NAMESPACES = ("einops", "fft", "linalg", "random", "special", "testing")
_LATER = (
    "autodiff.ops.arrangement",
    "autodiff.ops.assembly",
    "autodiff.ops.bessel",
    "autodiff.ops.borrowed",
    "autodiff.ops.closeness",
    "autodiff.ops.convolution",
    "autodiff.ops.convolution_transposes",
    "autodiff.ops.diagonal",
    "autodiff.ops.differences",
    "autodiff.ops.entropy",
    "autodiff.ops.extremes",
    "autodiff.ops.floats",
    "autodiff.ops.gamma",
    "autodiff.ops.incomplete",
    "autodiff.ops.integers",
    "autodiff.ops.linalg",
    "autodiff.ops.missing",
    "autodiff.ops.names",
    "autodiff.ops.normal",
    "autodiff.ops.picking",
    "autodiff.ops.polynomial",
    "autodiff.ops.pooling",
    "autodiff.ops.pooling_average",
    "autodiff.ops.positions",
    "autodiff.ops.products",
    "autodiff.ops.quantiles",
    "autodiff.ops.roots",
    "autodiff.ops.sets",
    "autodiff.ops.signal",
    "autodiff.ops.sinc",
    "autodiff.ops.slices",
    "autodiff.ops.statistics",
    "autodiff.transforms.batch",
    "autodiff.transforms.checkpoint",
    "autodiff.transforms.control",
    "autodiff.transforms.derived",
    "autodiff.transforms.forward",
    "autodiff.transforms.implicit",
)


def _load_all() -> None:
    for path in _LATER:
        module = _import_module(path)
        for name in module.__all__:
            globals().setdefault(name, getattr(module, name))


_registry.load_all = _load_all


def __getattr__(name: str) -> Any:
    if name in _TOOLS:
        globals()[name] = getattr(_import_module(_TOOLS[name]), name)
    elif name in _NAMESPACES:
        globals()[name] = _import_module(f"autodiff.{name}")
    elif not name.startswith("_"):
        _load_all()
    if name not in globals():
        raise AttributeError(f"module 'autodiff' has no attribute {name!r}")
    return globals()[name]


def __dir__() -> list[str]:
    _load_all()
    return sorted({*globals(), *_TOOLS, *_NAMESPACES})
