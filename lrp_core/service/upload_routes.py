"""Uploading over HTTP: PUT a file as it is, as ``curl -T FILE`` does; list and delete one's own."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from lrp_core.service.library import Way
from lrp_core.service.people import person_of
from lrp_core.service.problems import Problem
from lrp_core.service.schemas import Upload
from lrp_core.service.schemas import Uploads as UploadsAnswer
from lrp_core.service.uploads import ENDINGS, PREFIX, Kept, Uploads, columns_of, padding_of

PIECE = 1 << 20  # bytes that are written at once
BODY = {
    "requestBody": {
        "required": True,
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}
Person = Annotated[str, Depends(person_of)]
Tree = Annotated[
    str | None, Query(max_length=400, description="Of a ROOT file: the tree that holds the jets.")
]
Columns = Annotated[
    list[str] | None,
    Query(description="STANDARD=BRANCH: the branch that holds a standard column; repeatable."),
]
Padding = Annotated[
    str | None,
    Query(
        max_length=100,
        description="What lists of tracks are filled up with: zeros, nan, a number; or keep.",
    ),
]


def add_uploads(routes: APIRouter, uploads: Uploads | None) -> None:
    """Add the three requests; where uploads are off, all of them say so."""

    def on() -> Uploads:
        if uploads is None:
            raise Problem(
                404, "uploads_off", "Nobody can upload files here; whoever runs the server can "
                "switch that on, or put files into the library.",
            )  # fmt: skip
        return uploads

    @routes.get("/uploads", response_model=UploadsAnswer)
    def list_uploads(person: Person) -> UploadsAnswer:
        """What you have uploaded, and how much more that can be."""
        kept = on()
        return UploadsAnswer(
            max_bytes=kept.most_bytes,
            quota_bytes=kept.quota_bytes,
            used_bytes=kept.used(person),
            days=kept.days,
            endings=[ending for endings in ENDINGS.values() for ending in endings],
            files=[_told(one) for one in kept.files(person)],
        )

    @routes.put("/uploads/{name}", response_model=Upload, status_code=201, openapi_extra=BODY)
    async def upload(
        name: str,
        request: Request,
        person: Person,
        tree: Tree = None,
        column: Columns = None,
        padding: Padding = None,
    ) -> Upload:
        """Upload a file of jets, a checkpoint or its definitions; only you are shown it.

        It is looked into before it is kept. The definitions of a checkpoint come first, under the
        same name with the ending .yml. Where it is not clear which tree or which branches of a file
        are meant, `which_tree` and `which_columns` list those that there are: send it again with
        `tree` and `column`. Where lists of tracks are filled up to one length, `which_padding` says
        so: send it again with what they are filled up with as `padding`.
        """
        kept = on()
        way = None
        if tree or column or padding:
            way = Way(tree or None, columns_of(column or ()), padding_of(padding))
        said = request.headers.get("content-length", "")
        clean = await run_in_threadpool(
            kept.check, person, name, int(said) if said.isdecimal() else None
        )
        try:
            with kept.coming(person, clean, way) as coming:
                held = bytearray()
                async for piece in request.stream():
                    held += piece
                    if len(held) >= PIECE:
                        await run_in_threadpool(coming.write, bytes(held))
                        held.clear()
                await run_in_threadpool(coming.write, bytes(held))
                return _told(await run_in_threadpool(coming.keep))
        except ClientDisconnect as error:
            raise Problem(400, "cut_off", f"{clean} did not come to its end.") from error

    @routes.delete("/uploads/{name}", status_code=204)
    def delete_upload(name: str, person: Person) -> Response:
        """Delete one of your files."""
        on().delete(person, name)
        return Response(status_code=204)


def _told(one: Kept) -> Upload:
    return Upload(name=PREFIX + one.name, kind=one.kind, n_bytes=one.n_bytes, expires=one.expires)
