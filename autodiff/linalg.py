"""Linear algebra, under the names of ``numpy.linalg`` and some of ``scipy.linalg``.

>>> import autodiff as ad
>>> ad.linalg.solve(ad.tensor([[2.0, 0.0], [0.0, 4.0]]), [2.0, 4.0])
Tensor([1., 1.])
"""

from autodiff.errors import LinAlgError as LinAlgError
from autodiff.ops.arrangement import matrix_transpose as matrix_transpose
from autodiff.ops.contraction import matmul as matmul
from autodiff.ops.linalg import matrix_norm as matrix_norm
from autodiff.ops.linalg import norm as norm
from autodiff.ops.linalg import vector_norm as vector_norm
from autodiff.ops.linalg_decompositions import *
from autodiff.ops.linalg_products import *
from autodiff.ops.linalg_sparse import *
from autodiff.ops.linalg_sylvester import *
from autodiff.ops.linalg_systems import *
from autodiff.ops.products import kron as kron
from autodiff.ops.products import vecdot as vecdot
