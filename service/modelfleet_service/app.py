"""The application factory: the map of the service."""

from __future__ import annotations

import logging
import re
import time
import uuid
from typing import Any

import orjson
from flask import Flask, Response, g, request
from werkzeug.exceptions import HTTPException

from modelfleet_service.errors import ModelError, RequestError
from modelfleet_service.release import Release

log = logging.getLogger("modelfleet")
REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")
BRIEF = ("name", "version", "created", "algorithm", "signature", "evaluation", "intended_use", "limits")


def create_app(release: Release) -> Flask:
    """Build the service of one release."""
    app = Flask("modelfleet_service", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = int(release.settings["max_body_bytes"])
    most = int(release.settings["max_instances"])
    route = f"/models/{release.service}"

    @app.post(f"{route}/predict")
    def predict() -> Response:
        """Score the instances of the body."""
        return _json({"predictions": release.scorer.predict(_instances(), most)})

    @app.get(route)
    def card() -> Response:
        """Tell the model's card in brief."""
        brief = {name: release.model.card.get(name) for name in BRIEF}
        return _json(brief | {"digest": release.model.digest, "service": release.service, "release": release.release})

    @app.get("/healthz")
    def healthz() -> Response:
        """Tell that the process answers."""
        return _json({"status": "ok"})

    @app.get("/readyz")
    def readyz() -> Response:
        """Score the golden set again and tell which model is served."""
        return _ready(release)

    app.before_request(_begin)
    app.after_request(lambda response: _end(response, release))
    app.register_error_handler(Exception, _error)
    return app


def _begin() -> None:
    given = request.headers.get("X-Request-ID", "")
    g.request_id = given if REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
    g.began = time.perf_counter()


def _end(response: Response, release: Release) -> Response:
    response.headers["X-Request-ID"] = g.request_id
    response.headers["X-Model-Version"] = release.model.reference
    fields = {
        "request_id": g.request_id,
        "method": request.method,
        "path": request.path,
        "status": response.status_code,
        "duration_ms": round((time.perf_counter() - g.began) * 1000, 3),
        "model": release.model.reference,
        "release": release.release,
    }
    log.info("answered", extra={"fields": fields})
    return response


def _instances() -> Any:
    if request.content_encoding:
        raise RequestError(415, "encoded_body", f"expected no Content-Encoding, got {request.content_encoding!r}")
    if request.mimetype != "application/json":
        raise RequestError(415, "wrong_type", f"expected application/json, got {request.mimetype or 'no type'!r}")
    try:
        body = orjson.loads(request.get_data())
    except orjson.JSONDecodeError as error:
        raise RequestError(400, "not_json", f"the body is not JSON: {error}") from error
    if not isinstance(body, dict) or "instances" not in body:
        raise RequestError(422, "no_instances", 'expected {"instances": [...]}', "instances")
    for name in body:
        if name != "instances":
            raise RequestError(422, "unknown_field", "expected instances alone", name)
    return body["instances"]


def _ready(release: Release) -> Response:
    said = {
        "service": release.service,
        "release": release.release,
        "model": release.model.reference,
        "digest": release.model.digest,
    }
    try:
        release.scorer.check_golden()
    except ModelError as error:
        return _json(said | {"status": "wrong", "detail": str(error)}, 503)
    return _json(said | {"status": "ready", "golden_rows": len(release.model.golden)})


def _error(error: Exception) -> Response:
    if isinstance(error, RequestError):
        return _refusal(error.status, error.code, error.message, error.field)
    if isinstance(error, HTTPException):
        status = error.code or 500
        answer = _refusal(status, error.name.lower().replace(" ", "_"), error.description or error.name)
        for name, value in error.get_headers():
            if name.lower() == "allow":
                answer.headers[name] = value
        return answer
    log.error("a request failed by a fault of ours", exc_info=error, extra={"fields": {"request_id": g.request_id}})
    return _refusal(500, "internal", "a fault of ours; the log has it under the request id")


def _refusal(status: int, code: str, message: str, field: str | None = None) -> Response:
    error = {"code": code, "field": field, "message": message}
    return _json({"error": error, "request_id": g.request_id}, status)


def _json(content: Any, status: int = 200) -> Response:
    return Response(orjson.dumps(content) + b"\n", status, mimetype="application/json")
