"""Secrets from AWS Secrets Manager. Region, endpoint and credentials come from the standard AWS variables alone."""

import importlib
import json
import os
from collections.abc import Sequence
from typing import Any

from .base import BackendMisconfigured, BackendUnavailable

__all__ = ["SecretsManager"]

_PASSING = frozenset({"InternalServiceError", "InternalFailure", "ServiceUnavailable", "ThrottlingException"})


class SecretsManager:
    """One secret. Its method blocks for 14 seconds at most: call it from a thread, from one at a time."""

    def __init__(self, name: str, *, fields: Sequence[str]) -> None:
        """`fields` are the keys to look for, in order, where the secret is a JSON object."""
        self._name = name
        self._fields = fields
        self._client: Any = None

    def load(self) -> str:
        """The secret's current value.

        Raises BackendMisconfigured where it does not exist or may not be read, BackendUnavailable where AWS does
        not answer.
        """
        # Loaded here because only configurations with a secret should pay for it: some 0.3 s and 25 MB.
        errors: Any = importlib.import_module("botocore.exceptions")
        try:
            self._client = self._client or _client()
            answer = self._client.get_secret_value(SecretId=self._name)
        except errors.ClientError as error:
            raise self._refused(str(error.response.get("Error", {}).get("Code", ""))) from None
        except errors.NoRegionError:
            raise BackendMisconfigured(
                f"The secret {self._name} cannot be read without an AWS region; set AWS_REGION."
            ) from None
        except (errors.NoCredentialsError, errors.PartialCredentialsError, errors.CredentialRetrievalError):
            raise BackendMisconfigured(
                f"The secret {self._name} cannot be read without AWS credentials; give the service a role, or set"
                " AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."
            ) from None
        except (errors.BotoCoreError, ValueError) as error:
            raise BackendUnavailable(
                f"AWS Secrets Manager does not answer ({type(error).__name__}), so the secret {self._name} cannot be"
                " read; try again."
            ) from None
        return self._value(answer.get("SecretString"))

    def _refused(self, code: str) -> BackendMisconfigured | BackendUnavailable:
        if code in _PASSING:
            return BackendUnavailable(f"AWS Secrets Manager cannot serve the secret {self._name} ({code}); try again.")
        if code == "ResourceNotFoundException":
            return BackendMisconfigured(f"There is no secret {self._name} in AWS Secrets Manager; create it.")
        return BackendMisconfigured(
            f"AWS refuses the secret {self._name} ({code}); allow secretsmanager:GetSecretValue on it for this"
            " service's role, and kms:Decrypt where it has a key of its own."
        )

    def _value(self, text: str | None) -> str:
        if text is None:
            raise BackendMisconfigured(f"The secret {self._name} is binary; store the API key as text.")
        if not text.lstrip().startswith("{"):
            return text
        try:
            fields = json.loads(text)
        except ValueError:
            return text
        for field in self._fields:
            if isinstance(value := fields.get(field), str):
                return value
        raise BackendMisconfigured(
            f"The secret {self._name} is a JSON object without an API key; name its field openai_api_key."
        )


def _client() -> Any:
    boto3: Any = importlib.import_module("boto3")
    config: Any = importlib.import_module("botocore.config")
    limits = config.Config(connect_timeout=2, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 2})
    # The library reads AWS_DEFAULT_REGION alone; on EKS and Lambda it is AWS_REGION that is always there.
    return boto3.session.Session().client(
        "secretsmanager", region_name=os.environ.get("AWS_REGION") or None, config=limits
    )
