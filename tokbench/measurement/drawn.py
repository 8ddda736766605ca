"""What is known of a sample of a stream."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Sample:
    """How a sample was drawn, and how much it is of the source.

    precision: half-width asked of the intervals (0.01: 1 % of a value, 1 point of a share). seed: of the draws.
    rounds: how often the intervals were looked at.
    pieces, bytes: read. of_pieces, of_bytes: in the source, in storage. Of Parquet, the row groups that pieces lie in
    count as read.
    """

    precision: float
    seed: int
    rounds: int
    pieces: int
    of_pieces: int
    bytes: int
    of_bytes: int

    @property
    def whole(self) -> bool:
        """Whether everything was read."""
        return self.pieces == self.of_pieces

    def describe_precision(self) -> str:
        """Return the precision in per cent, such as `0.5 %`."""
        return f"{100 * self.precision:.4g} %"

    def sign(self) -> str:
        """Return all that the draws depend on, and their number, for signatures."""
        return f"{self.precision:g}/seed{self.seed}/{self.pieces} of {self.of_pieces} pieces"
