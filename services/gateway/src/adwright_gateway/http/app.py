"""The HTTP application: what is served at which address."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Final

from fastapi import FastAPI
from fastapi.openapi.docs import get_swagger_ui_html
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.staticfiles import StaticFiles

from ..methods import full_name
from . import problems
from .ads import GENERATE, ads_router
from .chat import chat_router
from .events import LiveAds
from .invoke import Invoker
from .openapi import describe
from .rest import rest_router
from .schemas import Schemas
from .uploads import uploads_router

__all__ = ["build_app"]

_STUDIO: Final = Path(__file__).parent.parent / "studio"
# The studio loads nothing from elsewhere, runs no code that stands in a page, and sits in nobody's frame.
_POLICY: Final = "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
_DESCRIPTION: Final = """
On-brand, platform-valid advertising copy, streamed.

Every call names itself with an API key: `Authorization: Bearer adw_…`. The same methods are served over gRPC, with the
same codes and reasons. Errors are `application/problem+json`.
"""


def build_app(invoker: Invoker, *, max_body_bytes: int, cors_origins: Sequence[str] = ()) -> FastAPI:
    """The application; `cors_origins` are the origins whose pages may call it."""
    live, schemas = LiveAds(), Schemas()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        yield
        live.close()

    app = FastAPI(
        title="adwright",
        version=version("adwright-gateway"),
        description=_DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        swagger_ui_oauth2_redirect_url=None,
        lifespan=lifespan,
        # Calls have spans of their own, whatever they come in by.
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    app.state.max_body_bytes = max_body_bytes
    problems.install(app)
    if cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(cors_origins),
            allow_methods=["GET", "POST", "PATCH", "DELETE"],
            allow_headers=["authorization", "content-type", "last-event-id", "adwright-resumable", "traceparent"],
            expose_headers=["retry-after", "ratelimit", "ratelimit-policy"],
        )
    app.include_router(ads_router(invoker, live, schemas))
    app.include_router(uploads_router(invoker, schemas))
    app.include_router(rest_router(invoker, schemas, besides=[full_name(GENERATE)]))
    app.include_router(chat_router(invoker, schemas))
    app.mount("/docs/assets", StaticFiles(packages=[("fastapi_swagger", "resources")]))
    describe(app, schemas)

    @app.get("/docs", include_in_schema=False)
    async def docs() -> Response:
        return get_swagger_ui_html(
            openapi_url="openapi.json",
            title="adwright API",
            swagger_js_url="docs/assets/swagger-ui-bundle.js",
            swagger_css_url="docs/assets/swagger-ui.css",
            swagger_favicon_url="docs/assets/favicon-32x32.png",
            swagger_ui_parameters={"persistAuthorization": False, "displayRequestDuration": True, "filter": True},
        )

    app.mount("/studio", StaticFiles(packages=[("adwright_gateway", "studio")]))

    @app.get("/", include_in_schema=False)
    async def studio() -> Response:
        return FileResponse(_STUDIO / "index.html", headers={"content-security-policy": _POLICY})

    @app.get("/healthz", include_in_schema=False)
    async def health() -> Response:
        return PlainTextResponse("ok\n")

    @app.exception_handler(ClientDisconnect)
    async def gone(request: Request, error: Exception) -> Response:
        # Nobody reads it.
        return Response(status_code=499)

    return app
