"""Special functions, under the names of ``scipy.special``.

>>> import autodiff as ad
>>> ad.special.gammaln(ad.tensor(5.0))
Tensor(3.17805383)
"""

from autodiff.ops.activations import log_softmax as log_softmax
from autodiff.ops.bessel import *
from autodiff.ops.borrowed import *
from autodiff.ops.entropy import *
from autodiff.ops.gamma import *
from autodiff.ops.incomplete import *
from autodiff.ops.logsumexp import logsumexp as logsumexp
from autodiff.ops.normal import *
from autodiff.ops.softmax import softmax as softmax
from autodiff.ops.special import erf as erf
from autodiff.ops.special import erfc as erfc
