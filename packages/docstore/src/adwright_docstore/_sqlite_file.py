"""Opening the SQLite file: its folder, its mode, its schema."""

from __future__ import annotations

import secrets
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from adwright_docstore._worker import is_busy
from adwright_docstore.errors import StoreUnavailable

__all__ = ["APPLICATION_ID", "SCHEMA_VERSION", "open_file", "read_page_token_key", "writing"]

APPLICATION_ID: Final = 0x61647772  # "adwr": tells our files from another program's
SCHEMA_VERSION: Final = 1

# Keys are blobs of UTF-8, so that order is byte order and NUL is a byte like any other.
_SCHEMA: Final = (
    """CREATE TABLE items (
        pk BLOB NOT NULL,
        sk BLOB NOT NULL,
        data TEXT NOT NULL,
        version INTEGER NOT NULL,
        expires_at INTEGER,
        PRIMARY KEY (pk, sk)
    )""",
    "CREATE INDEX items_by_expiry ON items (expires_at) WHERE expires_at IS NOT NULL",
    """CREATE TABLE requests (
        token TEXT PRIMARY KEY,
        fingerprint BLOB NOT NULL,
        expires_at INTEGER NOT NULL
    )""",
    "CREATE INDEX requests_by_expiry ON requests (expires_at)",
    "CREATE TABLE secrets (name TEXT PRIMARY KEY, value BLOB NOT NULL)",
    f"PRAGMA application_id = {APPLICATION_ID}",
    f"PRAGMA user_version = {SCHEMA_VERSION}",
)

# After opening, waiting for a lock is the worker's business: SQLite itself would block the thread.
_BUSY_MILLISECONDS: Final = 2


def open_file(path: str | Path, *, lock_timeout: float) -> sqlite3.Connection:
    """Opens or creates the file, ready for the worker; blocks up to `lock_timeout` seconds.

    Raises StoreUnavailable with one sentence naming the path and the remedy.
    """
    name = str(path)
    try:
        if name != ":memory:":
            path = Path(path).expanduser()
            path.parent.mkdir(parents=True, exist_ok=True)
        # It is opened here, so that a bad path fails the start, and used by the worker's thread.
        connection = sqlite3.connect(path, isolation_level=None, timeout=lock_timeout, check_same_thread=False)
    except (OSError, sqlite3.Error) as error:
        raise _unusable(name, error) from error
    try:
        _prepare(connection, name, time.monotonic() + lock_timeout)
    except sqlite3.Error as error:
        connection.close()
        raise _unusable(name, error) from error
    except StoreUnavailable:
        connection.close()
        raise
    return connection


def read_page_token_key(connection: sqlite3.Connection) -> bytes:
    """Returns the file's own key for page tokens, the same for all who open it."""
    row = connection.execute("SELECT value FROM secrets WHERE name = 'page_token_key'").fetchone()
    return bytes(row[0])


@contextmanager
def writing(connection: sqlite3.Connection) -> Iterator[None]:
    """A transaction that takes the write lock first, so that it cannot fail later for it."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        # SQLite has already rolled back after some errors, a full disk for one.
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _prepare(connection: sqlite3.Connection, name: str, deadline: float) -> None:
    while True:
        try:
            if not _is_ours(connection, name):
                _create(connection, name)
            connection.execute("PRAGMA journal_mode = WAL").close()
            break
        except sqlite3.Error as error:
            # SQLite does not wait by itself where several processes turn a new file to WAL.
            if not is_busy(error) or time.monotonic() >= deadline:
                raise
            time.sleep(0.01)
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA foreign_keys = OFF")
    connection.execute(f"PRAGMA busy_timeout = {_BUSY_MILLISECONDS}").close()


def _is_ours(connection: sqlite3.Connection, name: str) -> bool:
    """Whether the file has our schema; False if it is new. Raises StoreUnavailable otherwise."""
    # One statement sees one state of a file that another process may be creating.
    application, version, tables = connection.execute(
        "SELECT application_id, user_version, (SELECT count(*) FROM sqlite_master)"
        " FROM pragma_application_id, pragma_user_version"
    ).fetchone()
    if application == APPLICATION_ID:
        if version > SCHEMA_VERSION:
            raise StoreUnavailable(
                f"the document store at {name} has schema {version} and this release knows "
                f"{SCHEMA_VERSION}: upgrade adwright, or use another path"
            )
        return True
    if tables or version:
        raise StoreUnavailable(f"the file at {name} belongs to another program: use another path")
    return False


def _create(connection: sqlite3.Connection, name: str) -> None:
    with writing(connection):
        # Another process may have been faster between the look and the lock.
        if _is_ours(connection, name):
            return
        for statement in _SCHEMA:
            connection.execute(statement)
        connection.execute("INSERT INTO secrets VALUES ('page_token_key', ?)", (secrets.token_bytes(32),))


def _unusable(name: str, error: Exception) -> StoreUnavailable:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
        remedy = "restore it from a backup, or move it away to start with an empty one"
    elif code == sqlite3.SQLITE_BUSY:
        remedy = "end the process that holds it locked"
    else:
        remedy = "use a path in a folder that this user may write to"
    return StoreUnavailable(f"cannot open the document store at {name} ({error}): {remedy}")
