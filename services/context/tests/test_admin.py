"""The operator's commands, and the words and exit codes they end with."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from adwright_context.__main__ import main
from adwright_context.admin import run


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    return {"ADWRIGHT_CONTEXT_SQLITE_PATH": str(tmp_path / "new" / "context.db")}


def test_create_table_makes_the_store_and_may_be_repeated(environ: dict[str, str], capsys: Any) -> None:
    for _ in range(2):
        assert run(["create-table"], environ) == 0
    assert Path(environ["ADWRIGHT_CONTEXT_SQLITE_PATH"]).is_file()
    assert "is ready" in capsys.readouterr().out


@pytest.fixture
def on_dynamodb(dynamodb: Any, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    from packages.docstore.tests.dynamodb_endpoint import MOTO_CREDENTIALS

    for name, value in (MOTO_CREDENTIALS | {"AWS_ENDPOINT_URL_DYNAMODB": dynamodb.meta.endpoint_url}).items():
        monkeypatch.setenv(name, value)
    return {"ADWRIGHT_CONTEXT_STORE": "dynamodb", "ADWRIGHT_CONTEXT_DYNAMODB_TABLE": f"adwright-{uuid4().hex}"}


def test_a_table_is_made_once_and_checked(on_dynamodb: dict[str, str], dynamodb: Any, capsys: Any) -> None:
    table = on_dynamodb["ADWRIGHT_CONTEXT_DYNAMODB_TABLE"]
    assert run(["check"], on_dynamodb) == 1
    assert "create it first" in capsys.readouterr().err
    assert run(["create-table"], on_dynamodb) == 0
    assert f"table {table}: created" in capsys.readouterr().out
    assert run(["create-table"], on_dynamodb) == 0
    assert f"table {table}: there" in capsys.readouterr().out
    described = dynamodb.describe_table(TableName=table)["Table"]
    assert described["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    assert described["DeletionProtectionEnabled"]
    ttl = dynamodb.describe_time_to_live(TableName=table)["TimeToLiveDescription"]
    assert (ttl["AttributeName"], ttl["TimeToLiveStatus"]) == ("expires_at", "ENABLED")
    backups = dynamodb.describe_continuous_backups(TableName=table)["ContinuousBackupsDescription"]
    assert backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "ENABLED"
    assert run(["check"], on_dynamodb) == 0
    dynamodb.update_table(TableName=table, DeletionProtectionEnabled=False)
    capsys.readouterr()
    assert run(["check"], on_dynamodb) == 1
    assert "deletion protection" in capsys.readouterr().out
    assert run(["create-table"], on_dynamodb) == 0
    assert run(["check"], on_dynamodb) == 0


def test_the_examples_are_seeded_into_a_table(on_dynamodb: dict[str, str], examples: Path, capsys: Any) -> None:
    assert run(["seed", str(examples)], on_dynamodb) == 2
    error = capsys.readouterr().err
    assert "ADWRIGHT_CONTEXT_DYNAMODB_TABLE" in error
    assert len(error.splitlines()) == 1
    assert run(["create-table"], on_dynamodb) == 0
    for _ in range(2):
        assert run(["seed", str(examples)], on_dynamodb) == 0
    assert "0 refused" in capsys.readouterr().out


def test_a_file_that_is_no_store_is_refused_in_one_line(environ: dict[str, str], tmp_path: Path, capsys: Any) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("not a database " * 100)
    assert run(["create-table"], {"ADWRIGHT_CONTEXT_SQLITE_PATH": str(path)}) == 2
    error = capsys.readouterr().err
    assert "ADWRIGHT_CONTEXT_SQLITE_PATH" in error
    assert len(error.splitlines()) == 1


@pytest.mark.parametrize("directory", ["nowhere", "."])
def test_a_directory_without_brands_is_refused_in_one_line(
    environ: dict[str, str], tmp_path: Path, capsys: Any, directory: str
) -> None:
    assert run(["seed", str(tmp_path / directory)], environ) == 2
    error = capsys.readouterr().err
    assert "brands.jsonl" in error
    assert len(error.splitlines()) == 1


def test_a_bad_row_is_named_by_file_line_and_field_and_the_rest_is_kept(
    environ: dict[str, str], tmp_path: Path, capsys: Any
) -> None:
    good = '{"name": "brands/a", "display_name": "A", "languages": ["en"]}\n'
    (tmp_path / "brands.jsonl").write_text(good + good.replace('["en"]', "[]").replace("s/a", "s/b"))
    assert run(["seed", str(tmp_path)], environ) == 2
    printed = capsys.readouterr()
    assert printed.out == "brands.jsonl: 1 imported, 1 refused\n"
    assert printed.err.startswith("brands.jsonl:2: languages: ")
    assert len(printed.err.splitlines()) == 1


def test_a_folder_whose_brand_is_not_there_is_refused(environ: dict[str, str], tmp_path: Path, capsys: Any) -> None:
    (tmp_path / "brands.jsonl").touch()
    (tmp_path / "ghost").mkdir()
    (tmp_path / "ghost" / "products.jsonl").touch()
    assert run(["seed", str(tmp_path)], environ) == 2
    assert "there is no brands/ghost" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["serve"], ["admin"], ["admin", "drop-table"]])
def test_a_command_there_is_not_is_bad_input(arguments: list[str], capsys: Any) -> None:
    assert main(arguments) == 2
    assert "usage" in capsys.readouterr().err


def test_the_service_starts_says_where_and_ends_on_sigterm_with_0(environ: dict[str, str]) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "adwright_context"],
        env={**os.environ, **environ, "ADWRIGHT_CONTEXT_LISTEN": "127.0.0.1:0"},
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    try:
        line = process.stderr.readline()
        assert "adwright.context.v1.ContextService" in line
        assert " on 127.0.0.1:" in line
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=20) == 0
    finally:
        process.kill()
        process.wait()
        process.stderr.close()


def test_a_wrong_setting_stops_the_start_with_one_line(environ: dict[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "adwright_context"],
        env={**os.environ, **environ, "ADWRIGHT_CONTEXT_STORE": "postgres"},
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert done.returncode == 2
    assert "ADWRIGHT_CONTEXT_STORE" in done.stderr
    assert len(done.stderr.splitlines()) == 1
