"""The cells of a run as they are stored: what goes through all of them need not hold them all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from adwright_docstore import Item
from adwright_evaluator.model import CellResult
from adwright_evaluator.runs.evaluations import Evaluations
from adwright_evaluator.runs.packing import unpack_row
from adwright_evaluator.runs.records import EvaluationRecord, part
from adwright_resources.store_errors import translated

__all__ = ["StoredCells"]


class StoredCells:
    """Cells by case, provider, prompt and repeat, unpacked anew for everybody who goes through them.

    Unpacking is work: go through them on a thread.
    """

    def __init__(self, rows: Sequence[Item]) -> None:
        self._rows = rows

    @classmethod
    async def of(cls, evaluations: Evaluations, record: EvaluationRecord) -> StoredCells:
        """Those that are done. Raises Unavailable."""
        with translated():
            where = part(record.tenant, record.id, "rows")
            found = evaluations.store.query_all(where, page_size=200, consistent=True)
            return cls([item async for item in found])

    def __iter__(self) -> Iterator[CellResult]:
        # Rows are by case and repeat; a case has few of them.
        for _, rows in groupby(self._rows, key=lambda item: item.key.sk.partition("#")[0]):
            cells = [cell for row in rows for cell in unpack_row(row.data)]
            yield from sorted(cells, key=lambda cell: cell.key)
