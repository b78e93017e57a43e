"""What a key must be allowed to do for each public method. A method that is not here cannot be served."""

from adwright_servicekit.errors import PermissionDenied

__all__ = ["ALL_SCOPES", "scope_of"]

ALL_SCOPES = frozenset({"generate", "read", "write", "evaluate", "admin"})

_AD = "adwright.gateway.v1.AdService"
_KEYS = "adwright.gateway.v1.KeyService"
_GENERATIONS = "adwright.gateway.v1.GenerationService"
_CONTEXT = "adwright.context.v1.ContextService"
_EVALUATOR = "adwright.evaluator.v1.EvaluatorService"
_OPERATIONS = "google.longrunning.Operations"

_WRITES = ("Create", "Update", "Delete", "Undelete", "Import")

_SCOPES: dict[str, str] = {
    f"{_AD}/GenerateAd": "generate",
    f"{_AD}/GetFormat": "read",
    f"{_AD}/ListFormats": "read",
    **{f"{_KEYS}/{name}": "admin" for name in ("CreateKey", "GetKey", "ListKeys", "RotateKey", "RevokeKey")},
    "adwright.gateway.v1.QuotaService/GetQuota": "read",
    f"{_GENERATIONS}/GetGeneration": "read",
    f"{_GENERATIONS}/ListGenerations": "read",
    f"{_GENERATIONS}/DeleteGeneration": "write",
    f"{_GENERATIONS}/PurgeGenerations": "write",
    f"{_GENERATIONS}/ReviewGeneration": "write",
    f"{_GENERATIONS}/PromoteGeneration": "write",
    f"{_GENERATIONS}/AddGenerationToSuite": "write",
    f"{_CONTEXT}/AssembleContext": "read",
    f"{_CONTEXT}/StartImport": "write",
    f"{_CONTEXT}/UploadImport": "write",
    f"{_CONTEXT}/ListImportErrors": "read",
    f"{_CONTEXT}/ExportResources": "read",
    f"{_OPERATIONS}/GetOperation": "read",
    f"{_OPERATIONS}/ListOperations": "read",
    f"{_OPERATIONS}/WaitOperation": "read",
    f"{_OPERATIONS}/CancelOperation": "write",
    f"{_OPERATIONS}/DeleteOperation": "write",
    f"{_EVALUATOR}/EvaluateText": "evaluate",
    f"{_EVALUATOR}/ListScorers": "read",
    **{
        f"{_EVALUATOR}/{name}": scope
        for scope, names in {
            "evaluate": "RunEvaluation ResumeEvaluation CompareEvaluations CalibrateJudge",
            "read": "GetEvaluation ListEvaluations WatchEvaluation ListResults ExportEvaluation ListLabels "
            "GetSuite ListSuites",
            "write": "DeleteEvaluation CreateLabels CreateSuite DeleteSuite AddCase",
        }.items()
        for name in names.split()
    },
    **{
        f"{_CONTEXT}/{verb}{noun}": "write" if verb in _WRITES else "read"
        for singular, plural in (("Brand", "Brands"), ("Product", "Products"), ("Exemplar", "Exemplars"))
        for verb, noun in (
            ("Create", singular),
            ("Get", singular),
            ("Update", singular),
            ("Delete", singular),
            ("Undelete", singular),
            ("List", plural),
            ("Import", plural),
        )
    },
}


def scope_of(method: str) -> str:
    """The scope that `package.Service/Method` needs. Raises PermissionDenied for one that is not declared."""
    try:
        return _SCOPES[method]
    except KeyError:
        raise PermissionDenied(f"{method} is not open to callers from outside", reason="METHOD_NOT_PUBLIC") from None
