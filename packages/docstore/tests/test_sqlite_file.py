"""Opening a SQLite store: its folder, its schema, its key for page tokens."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest

from adwright_docstore import InvalidPageToken, Key, StoreUnavailable, open_store

KEY = Key("brands", "nordlys")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store.db"


class TestPageTokenKeys:
    @pytest.mark.parametrize("key", [None, b"0123456789abcdef"])
    async def test_a_token_outlives_the_process_that_issued_it(self, path: Path, key: bytes | None) -> None:
        async with open_store("sqlite", path=path, page_token_key=key) as store:
            await store.put(Key("p", "a"), {})
            await store.put(Key("p", "b"), {})
            token = (await store.query("p", limit=1)).next_page_token
        async with open_store("sqlite", path=path, page_token_key=key) as store:
            page = await store.query("p", page_token=token)
            assert [item.key.sk for item in page.items] == ["b"]
        async with open_store("sqlite", path=path, page_token_key=b"another key......") as store:
            with pytest.raises(InvalidPageToken):
                await store.query("p", page_token=token)

    @pytest.mark.parametrize("key", [b"", b"short"])
    def test_a_short_key_is_refused(self, path: Path, key: bytes) -> None:
        with pytest.raises(ValueError, match="16 bytes"):
            open_store("sqlite", path=path, page_token_key=key)


class TestOpening:
    async def test_the_folder_is_made_and_the_items_are_kept(self, tmp_path: Path) -> None:
        path = tmp_path / "new" / "folder" / "store.db"
        async with open_store("sqlite", path=str(path)) as store:
            written = await store.put(KEY, {"n": 1})
        async with open_store("sqlite", path=path) as store:
            assert await store.get(KEY) == written

    async def test_the_file_is_in_wal_mode(self, path: Path) -> None:
        async with open_store("sqlite", path=path):
            pass
        with closing(sqlite3.connect(path)) as other:
            assert other.execute("PRAGMA journal_mode").fetchone() == ("wal",)

    def test_opening_waits_for_whoever_keeps_the_file_from_wal_mode(self, path: Path) -> None:
        asyncio.run(open_store("sqlite", path=path).close())
        with closing(sqlite3.connect(path, check_same_thread=False)) as other:
            other.execute("PRAGMA journal_mode = DELETE").close()
            other.execute("BEGIN")
            reading = other.execute("SELECT * FROM secrets")
            with pytest.raises(StoreUnavailable, match="end the process that holds it locked"):
                open_store("sqlite", path=path, lock_timeout=0.05)

            def stop_reading() -> None:
                reading.close()
                other.rollback()

            threading.Timer(0.1, stop_reading).start()
            asyncio.run(open_store("sqlite", path=path).close())

    def test_a_path_that_cannot_be_a_file_is_named(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")
        for path in (tmp_path, tmp_path / "file" / "store.db"):
            with pytest.raises(StoreUnavailable, match="use a path in a folder") as failure:
                open_store("sqlite", path=path)
            assert str(path) in str(failure.value)

    def test_a_file_that_is_no_database_is_left_alone(self, path: Path) -> None:
        path.write_text("not a database" * 100)
        with pytest.raises(StoreUnavailable, match="restore it from a backup"):
            open_store("sqlite", path=path)
        assert path.read_text() == "not a database" * 100

    def test_another_programs_database_is_left_alone(self, path: Path) -> None:
        with closing(sqlite3.connect(path)) as other:
            other.execute("CREATE TABLE theirs (x)")
        before = path.read_bytes()
        with pytest.raises(StoreUnavailable, match="another program"):
            open_store("sqlite", path=path)
        assert path.read_bytes() == before

    async def test_a_newer_schema_is_refused(self, path: Path) -> None:
        async with open_store("sqlite", path=path):
            pass
        with closing(sqlite3.connect(path)) as other:
            other.execute("PRAGMA user_version = 7")
        with pytest.raises(StoreUnavailable, match=r"schema 7.*upgrade adwright"):
            open_store("sqlite", path=path)

    def test_an_unknown_kind_is_refused(self, path: Path) -> None:
        with pytest.raises(ValueError, match="'redis'"):
            open_store("redis", path=path)  # type: ignore[arg-type]
