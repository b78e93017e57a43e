"""The store on one SQLite file: for a laptop, for tests, for a single machine.

Several processes may share the file, on a local disk. A write that was acknowledged survives the
death of the process; a power failure may take the last ones (synchronous=NORMAL), never the file.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from adwright_docstore import _sqlite_file as file
from adwright_docstore import limits
from adwright_docstore._page_tokens import PageTokens
from adwright_docstore._worker import Worker
from adwright_docstore.errors import (
    CeilingReached,
    ConditionFailed,
    InvalidItem,
    RequestTokenReused,
)
from adwright_docstore.model import (
    ALL,
    ANY,
    JSON,
    All,
    Between,
    Expect,
    Item,
    Key,
    Op,
    Page,
    Prefix,
    Put,
    SkRange,
)
from adwright_docstore.store import Store

__all__ = ["SqliteStore"]

# More than a write can add, so that expired items never pile up while there are writes.
_SWEEP_PER_WRITE: Final = 4
