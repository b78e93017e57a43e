"""Items as rows: the statements behind the SQLite store, all run on its thread.

`now` is in whole seconds since 1970; a row whose `expires_at` is not after it does not exist.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from datetime import UTC, datetime

from adwright_docstore import limits
from adwright_docstore.errors import ConditionFailed, RequestTokenReused
from adwright_docstore.model import All, Between, Expect, Item, Key, Prefix, SkRange

__all__ = [
    "claim_request",
    "delete",
    "overwrite",
    "put",
    "read",
    "read_range",
    "require",
    "sweep",
]


def read(db: sqlite3.Connection, key: Key, now: int) -> Item | None:
    """Returns the item under `key`, or None."""
    row = db.execute(
        "SELECT data, version, expires_at FROM items WHERE pk = ? AND sk = ?",
        (key.pk.encode(), key.sk.encode()),
    ).fetchone()
    return _item(key, *row) if row and _is_live(row[2], now) else None


def read_range(
    db: sqlite3.Connection,
    pk: str,
    sk: SkRange,
    *,
    after: str | None,
    descending: bool,
    limit: int,
    now: int,
) -> tuple[list[Item], str | None]:
    """Returns the next items of a range, and the sort key to go on after if there may be more.

    Like DynamoDB it counts expired rows towards the limit, so the work of a page is bounded.
    """
    low, high = _bounds(sk)
    if after is not None:
        low, high = (low, after.encode()) if descending else (_successor(after), high)
    items: list[Item] = []
    seen = size = 0
    # Closed at once: an unfinished SELECT would keep the write-ahead log from being reset.
    with closing(
        db.execute(
            "SELECT sk, data, version, expires_at FROM items WHERE pk = ? AND sk >= ? AND sk < ?"
            f" ORDER BY sk {'DESC' if descending else 'ASC'} LIMIT ?",
            (pk.encode(), low, high, limit),
        )
    ) as rows:
        for raw_sk, data, version, expires_at in rows:
            last = raw_sk.decode()
            if _is_live(expires_at, now):
                items.append(_item(Key(pk, last), data, version, expires_at))
            seen += 1
            size += len(data)
            if seen == limit or size >= limits.PAGE_BYTES:
                return items, last
    return items, None


def put(db: sqlite3.Connection, key: Key, data: str, expect: Expect, expires_at: int | None, now: int) -> Item:
    """Writes an item whose data is JSON text and returns it. Raises ConditionFailed."""
    version = (require(db, key, expect, now) or 0) + 1
    db.execute(
        "INSERT INTO items (pk, sk, data, version, expires_at) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (pk, sk) DO UPDATE SET"
        " data = excluded.data, version = excluded.version, expires_at = excluded.expires_at",
        (key.pk.encode(), key.sk.encode(), data, version, expires_at),
    )
    return _item(key, data, version, expires_at)


def delete(db: sqlite3.Connection, key: Key, expect: Expect, now: int) -> None:
    """Removes an item. Raises ConditionFailed."""
    require(db, key, expect, now)
    db.execute("DELETE FROM items WHERE pk = ? AND sk = ?", (key.pk.encode(), key.sk.encode()))


def overwrite(db: sqlite3.Connection, batch: Iterable[tuple[Key, tuple[str, int | None] | None]]) -> None:
    """Writes JSON text and expiry at version 1, or removes where there is None, without a look at what was there."""
    for key, written in batch:
        place = (key.pk.encode(), key.sk.encode())
        if written is None:
            db.execute("DELETE FROM items WHERE pk = ? AND sk = ?", place)
        else:
            db.execute(
                "INSERT OR REPLACE INTO items (pk, sk, data, version, expires_at) VALUES (?, ?, ?, 1, ?)",
                (*place, *written),
            )


def require(db: sqlite3.Connection, key: Key, expect: Expect, now: int) -> int | None:
    """Returns the item's version, None if absent. Raises ConditionFailed."""
    row = db.execute(
        "SELECT version, expires_at FROM items WHERE pk = ? AND sk = ?",
        (key.pk.encode(), key.sk.encode()),
    ).fetchone()
    version: int | None = row[0] if row and _is_live(row[1], now) else None
    if not limits.holds(expect, version):
        raise ConditionFailed(key, version)
    return version


def claim_request(db: sqlite3.Connection, token: str, fingerprint: bytes, now: int) -> bool:
    """Whether the token is new; False for a repeat. Raises RequestTokenReused for a misuse."""
    row = db.execute("SELECT fingerprint FROM requests WHERE token = ? AND expires_at > ?", (token, now)).fetchone()
    if row is None:
        db.execute(
            "INSERT OR REPLACE INTO requests VALUES (?, ?, ?)",
            (token, fingerprint, now + limits.REQUEST_TOKEN_SECONDS),
        )
        return True
    if row[0] != fingerprint:
        raise RequestTokenReused(token)
    return False


def sweep(db: sqlite3.Connection, now: int, most: int) -> None:
    """Removes up to `most` rows of each table that expired."""
    for table in ("items", "requests"):
        db.execute(
            f"DELETE FROM {table} WHERE rowid IN (SELECT rowid FROM {table} WHERE expires_at <= ? LIMIT ?)",
            (now, most),
        )


def _is_live(expires_at: int | None, now: int) -> bool:
    return expires_at is None or expires_at > now


def _item(key: Key, data: str, version: int, expires_at: int | None) -> Item:
    moment = None if expires_at is None else datetime.fromtimestamp(expires_at, UTC)
    return Item(key, json.loads(data), version, moment)


def _bounds(sk: SkRange) -> tuple[bytes, bytes]:
    """The range as sort keys from the first bound up to, not including, the second."""
    match sk:
        case All():
            return b"", b"\xff"  # no UTF-8 text has this byte
        case Prefix(value):
            stem = value.encode()
            return stem, stem[:-1] + bytes([stem[-1] + 1])
        case Between(low, high):
            return low.encode(), _successor(high)


def _successor(sk: str) -> bytes:
    return sk.encode() + b"\0"
