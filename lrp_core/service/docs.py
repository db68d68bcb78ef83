"""The page /docs: Swagger UI over the service's own description, without asking another host."""

from __future__ import annotations

import base64
import hashlib
import re

from fastapi import FastAPI
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import HTMLResponse, RedirectResponse
from fastapi.staticfiles import StaticFiles

PAGE = "/docs"
FILES = "/docs/files"


def add_docs(app: FastAPI) -> None:
    """Add the page. Its addresses are relative, so that it also works behind a proxy's prefix."""
    app.mount(FILES, StaticFiles(packages=[("fastapi_swagger", "resources")]), name="docs-files")
    files = FILES.removeprefix("/")

    @app.get(f"{PAGE}/", include_in_schema=False)
    def docs_at_once() -> RedirectResponse:
        return RedirectResponse("../docs", 308)

    @app.get(PAGE, include_in_schema=False)
    def docs() -> HTMLResponse:
        page = get_swagger_ui_html(
            openapi_url="openapi.json",
            title=f"{app.title}: the API",
            swagger_js_url=f"{files}/swagger-ui-bundle.js",
            swagger_css_url=f"{files}/swagger-ui.css",
            swagger_favicon_url=f"{files}/favicon-32x32.png",
            # without this, Swagger UI would send the description to a validator on the internet
            swagger_ui_parameters={"validatorUrl": None, "tryItOutEnabled": True},
        )
        page.headers["Content-Security-Policy"] = _policy(bytes(page.body).decode())
        return page


def _policy(page: str) -> str:
    """What the page may load: its one script by its hash, and whatever comes from this server."""
    within = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    hashes = [
        base64.b64encode(hashlib.sha256(found.encode()).digest()).decode() for found in within
    ]
    scripts = " ".join(f"'sha256-{found}'" for found in hashes)
    return (
        f"default-src 'none'; script-src 'self' {scripts}; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data:; font-src 'self'; connect-src 'self'; frame-ancestors 'none'; "
        "base-uri 'none'; form-action 'none'"
    )
