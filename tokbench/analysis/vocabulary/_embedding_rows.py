"""Measure the rows of embedding matrices, in blocks that fit memory whatever the size of the model."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tokbench.errors import TokbenchError
from tokbench.pythia.formats.embeddings import Matrix, Rows

Floats = npt.NDArray[np.float64]
Ids = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Spread:
    """Sums over all rows of a matrix.

    norms: Euclidean norm of each row. mean: the mean row.
    component: the first principal component, a row of norm 1: the direction in which the rows, less their mean, vary
        most.
    """

    norms: Floats
    mean: Floats
    component: Floats


def measure_norms(matrix: Matrix) -> Floats:
    """Return the Euclidean norm of each row; TokbenchError for a row that is not finite."""
    norms = np.empty(matrix.rows)
    for block, rows in matrix.read_blocks():
        norms[block] = _find_norms(rows)
    _check_norms(norms, matrix)
    return norms


def measure_spread(matrix: Matrix) -> Spread:
    """Measure all rows of a matrix at once; TokbenchError for a row that is not finite.

    Takes rows x width^2 operations, and memory for two matrices of width x width.
    """
    norms, total = np.empty(matrix.rows), np.zeros(matrix.width)
    products = np.zeros((matrix.width, matrix.width))
    for block, rows in matrix.read_blocks():
        norms[block] = _find_norms(rows)
        _check_norms(norms[: block.stop], matrix)
        total += rows.sum(axis=0, dtype=np.float64)
        products += rows.T @ rows
    mean = total / matrix.rows
    _, vectors = np.linalg.eigh(products / matrix.rows - np.outer(mean, mean))
    return Spread(norms, mean, np.ascontiguousarray(vectors[:, -1]))


def average_rows(matrix: Matrix, ids: Ids) -> Floats:
    """Return the mean of these rows."""
    total, step = np.zeros(matrix.width), max(1, (1 << 22) // matrix.width)
    for start in range(0, len(ids), step):
        total += matrix.read(ids[start : start + step]).sum(axis=0, dtype=np.float64)
    return total / len(ids)


def measure_distances(matrix: Matrix, reference: Ids, component: Floats) -> tuple[Floats, Floats]:
    """Return the cosine distance of each row to the mean of reference rows, with a component and without it.

    reference: their ids. A reference row is compared with the mean of the others, to which it adds nothing; a single
        one, with itself.
    component: a row of norm 1, which is removed from all rows.

    Distances are from 0 (same direction) to 2 (opposite); NaN for rows of zeros, which have no direction.
    """
    total = average_rows(matrix, reference) * len(reference)
    removed = total - (total @ component) * component
    targets = np.column_stack([total, removed, component])
    along, norms = np.empty((2, matrix.rows)), np.empty((2, matrix.rows))
    for block, rows in matrix.read_blocks():
        exact = rows.astype(np.float64)
        products = exact @ targets
        along[:, block] = products[:, :2].T
        norms[0, block] = np.linalg.norm(exact, axis=1)
        norms[1, block] = np.linalg.norm(exact - np.outer(products[:, 2], component), axis=1)
    lengths = np.repeat([[np.linalg.norm(total)], [np.linalg.norm(removed)]], matrix.rows, axis=1)
    if len(reference) > 1:  # leave each out of the sum that it is compared with
        own, product = norms[:, reference], along[:, reference]
        lengths[:, reference] = np.sqrt(np.maximum(lengths[:, reference] ** 2 - 2 * product + own**2, 0))
        along[:, reference] = product - own**2
    with np.errstate(invalid="ignore", divide="ignore"):
        plain, without = 1 - along / (norms * lengths)
    return plain, without


def _find_norms(rows: Rows) -> Floats:
    norms: Floats = np.sqrt(np.einsum("ij,ij->i", rows, rows, dtype=np.float64))
    return norms


def _check_norms(norms: Floats, matrix: Matrix) -> None:
    finite = np.isfinite(norms)
    if not finite.all():
        raise TokbenchError(
            f"{matrix.file}: row {int(np.argmin(finite)):,} of the tensor {matrix.name} holds values that are not "
            f"finite, as do {int(len(norms) - finite.sum()) - 1:,} others",
            "download the file again",
        )
