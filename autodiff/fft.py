"""Discrete Fourier transforms, under the names of ``numpy.fft``.

>>> import autodiff as ad
>>> ad.fft.rfft(ad.tensor([1.0, 0.0, -1.0, 0.0])).real
Tensor([0., 2., 0.])
"""

from autodiff.ops.fft import *
from autodiff.ops.fft import __all__ as __all__
