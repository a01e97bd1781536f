"""Sparse rows of numbers, and the two things that matching does with them, fast for few rows.

A thin wrapper over three numpy arrays (compressed sparse row form). An utterance touches a
few dozen rows; general sparse matrix libraries spend longer on checks than on that. Leaves
to others: what rows and columns are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float32]
Integers: TypeAlias = NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Rows:
    """``row`` holds ``values[starts[row]:starts[row + 1]]`` at those ``columns``."""

    starts: NDArray[np.int64]
    columns: Integers
    values: Floats

    @classmethod
    def of(cls, rows: Sequence[Sequence[tuple[int, float]]]) -> Rows:
        """Make rows of (column, value) pairs."""
        starts = np.zeros(len(rows) + 1, dtype=np.int64)
        np.cumsum([len(row) for row in rows], out=starts[1:])
        cells = [cell for row in rows for cell in row]
        return cls(
            starts,
            np.fromiter((column for column, _ in cells), np.int32, len(cells)),
            np.fromiter((value for _, value in cells), np.float32, len(cells)),
        )

    def transposed(self, columns: int) -> Rows:
        """Return columns as rows; ``columns`` is how many there are."""
        order = np.argsort(self.columns, kind="stable")
        starts = np.zeros(columns + 1, dtype=np.int64)
        np.cumsum(np.bincount(self.columns, minlength=columns), out=starts[1:])
        owner = np.repeat(np.arange(len(self.starts) - 1, dtype=np.int32), np.diff(self.starts))
        return Rows(starts, owner[order], self.values[order])

    def cells(self, rows: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return where the cells of some rows lie, and how many each of the rows has."""
        begin = self.starts[rows]
        counts = self.starts[rows + 1] - begin
        before = np.cumsum(counts) - counts
        return np.repeat(begin - before, counts) + np.arange(counts.sum()), counts

    def summed(self, rows: NDArray[np.int64], weights: Floats, columns: int) -> Floats:
        """Return the sum of some rows, each times its weight, as a dense vector."""
        at, counts = self.cells(rows)
        scaled = self.values[at] * np.repeat(weights, counts)
        total: Floats = np.bincount(self.columns[at], scaled, columns).astype(np.float32)
        return total

    def found(self, rows: NDArray[np.int64], present: Floats) -> Floats:
        """Return for each row the sum of its values where ``present`` (by column) is set."""
        at, counts = self.cells(rows)
        return sums(self.values[at] * present[self.columns[at]], counts)


def sums(values: Floats, counts: NDArray[np.int64]) -> Floats:
    """Return the sum of each of the runs of ``counts`` values that ``values`` consists of."""
    total = np.concatenate((np.zeros(1), np.cumsum(values, dtype=np.float64)))
    ends = np.cumsum(counts)
    result: Floats = (total[ends] - total[ends - counts]).astype(np.float32)
    return result
