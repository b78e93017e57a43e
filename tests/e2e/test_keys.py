"""Keys from the command line: made for one purpose, replaced, revoked."""

import json

from commands import adwright
from tools.stack import Stack


def test_a_key_is_made_used_replaced_and_revoked(stack: Stack) -> None:
    made = adwright(stack, "keys", "create", "--scope", "read", "--name", "shop", "--days", "90")
    assert made.returncode == 0, made.stderr
    secret = made.stdout.strip()
    assert adwright(stack, "brands", "get", "nordlys", ADWRIGHT_API_KEY=secret).returncode == 0
    refused = adwright(stack, "brands", "delete", "nordlys", ADWRIGHT_API_KEY=secret)
    assert (refused.returncode, "no scope 'write'" in refused.stderr) == (2, True)
    mistyped = adwright(stack, "brands", "list", ADWRIGHT_API_KEY=secret[:-1])
    assert (mistyped.returncode, mistyped.stderr.count("\n")) == (2, 1)
    listed = [json.loads(line) for line in adwright(stack, "keys", "list", "--json").stdout.splitlines()]
    [shop] = [key for key in listed if key.get("displayName") == "shop"]
    assert secret.startswith(shop["hint"])
    assert secret not in json.dumps(listed)
    identifier = shop["name"].removeprefix("keys/")
    turned = adwright(stack, "keys", "rotate", identifier, "--overlap-hours", "0")
    assert turned.returncode == 0, turned.stderr
    assert adwright(stack, "brands", "list", ADWRIGHT_API_KEY=turned.stdout.strip()).returncode == 0
    assert "API_KEY_EXPIRED" in adwright(stack, "brands", "list", ADWRIGHT_API_KEY=secret).stderr
    assert adwright(stack, "keys", "revoke", identifier).returncode == 0
    assert "revoked" in adwright(stack, "keys", "list").stdout
    small = adwright(stack, "keys", "create", "--scope", "generate", "--tokens-per-day", "5").stdout.strip()
    over = adwright(
        stack, "generate", "--brand", "nordlys", "--format", "plain", "--brief", "x", ADWRIGHT_API_KEY=small
    )
    assert (over.returncode, "the quota is used up" in over.stderr) == (1, True), over.stderr
    wrong = adwright(stack, "keys", "create", "--scope", "everything")
    assert (wrong.returncode, "scopes[0]" in wrong.stderr) == (2, True)
    assert "KEY_NOT_FOUND" in adwright(stack, "keys", "revoke", "nobody").stderr
