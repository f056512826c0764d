"""What the second door says of itself: an OpenAPI description made from the shapes it uses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from sim2live import __version__
from sim2live.gateway.projectx.door import Endpoint
from sim2live.gateway.projectx.entrance import Bearer
from sim2live.gateway.projectx.envelope import Answer

_REF = "#/components/schemas/{name}"
_REFUSALS = {
    "400": "The request cannot be read",
    "401": "No token, an unknown or an old one",
    "429": "Too many requests",
    "default": "Any other refusal",
}


def describe(doors: Mapping[str, Mapping[str, Endpoint]]) -> dict[str, Any]:
    """The description of both dialects.

    Args:
        doors: Endpoints by path, by prefix such as ``/api/``.
    """
    shapes: set[type[Any]] = {Answer}
    for endpoints in doors.values():
        for one in endpoints.values():
            shapes.add(one.answer)
            if _has_body(one):
                shapes.add(one.request)
    ordered = sorted(shapes, key=lambda shape: shape.__name__)
    schemas, components = msgspec.json.schema_components(ordered, ref_template=_REF)
    refs = dict(zip(ordered, schemas, strict=True))
    paths = {
        f"{prefix}{path}": {one.method.lower(): _operation(prefix, path, one, refs)}
        for prefix, endpoints in doors.items()
        for path, one in endpoints.items()
    }
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "sim2live paper gateway: TopStep simulator and ProjectX API",
            "version": __version__,
            "description": "Simulated accounts. No real order is possible here.",
        },
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _operation(
    prefix: str, path: str, one: Endpoint, refs: Mapping[type[Any], Any]
) -> dict[str, Any]:
    refusal = _content(refs[Answer])
    made: dict[str, Any] = {
        "operationId": f"{prefix.strip('/').replace('/', '.')}.{path.replace('/', '.')}",
        "tags": [path.partition("/")[0]],
        "summary": (one.handle.__doc__ or "").partition("\n")[0],
        "responses": {
            "200": {"description": "Answered", **_content(_either(refs, one.answer))},
            **{code: {"description": words, **refusal} for code, words in _REFUSALS.items()},
        },
    }
    if _has_body(one):
        made["requestBody"] = {"required": True, **_content(refs[one.request])}
    if not one.open_to_all:
        made["security"] = [{"token": []}]
    return made


def _either(refs: Mapping[type[Any], Any], shape: type[Any]) -> Any:
    """The answer, or an envelope that says why there is none."""
    return refs[Answer] if shape is Answer else {"anyOf": [refs[shape], refs[Answer]]}


def _has_body(one: Endpoint) -> bool:
    return one.method == "POST" and one.request is not Bearer


def _content(schema: Any) -> dict[str, Any]:
    return {"content": {"application/json": {"schema": schema}}}
