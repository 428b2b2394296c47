"""Random draws with gradients: functions of the names in ``numpy.random``, and ``seed``.

>>> import autodiff as ad
>>> ad.random.seed(0)
>>> ad.random.normal(size=2).shape
(2,)
"""

from autodiff.ops.random import *
from autodiff.ops.random import __all__ as __all__
