"""The admin API: LiteLLM's paths and field names, behind the master key; the accountant answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Annotated, Any

import orjson
from fastapi import Body, Depends, FastAPI, Header, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.security import HTTPBearer
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

from gateway import __version__
from gateway.api.admin_answers import OPEN_PATHS, answer_of
from gateway.api.admin_shapes import POSTS, RotatedKey
from gateway.api.admission import Admission
from gateway.api.exchange import Exchange
from gateway.api.requests import credential
from gateway.config import Config
from gateway.errors import AccountantGoneError, ApiError
from gateway.limits.keys import hash_of
from gateway.limits.link import AccountantLink
from gateway.pricing import Price

Ask = Callable[..., Awaitable[Any]]
"""(path, body[, who says to have changed it]) → the accountant's answer."""
# LiteLLM's header: whom the holder of the master key acts for. It is noted, never trusted with anything.
ChangedBy = Annotated[
    str | None, Header(alias="litellm-changed-by", max_length=200, pattern=r"^[ -~]*$", description="For the audit")
]
Page = Annotated[int, Query(ge=1, le=1_000_000)]
Size = Annotated[int, Query(ge=1, le=1000)]
_ERRORS: dict[int | str, dict[str, Any]] = {
    status: {"description": text}
    for status, text in (
        (400, "A field is unknown or out of range, or an alias is taken"),
        (401, "Not the master key"),
        (404, "No such key, team or user"),
        (405, "Another method"),
        (503, "The accountant or its database does not answer"),
    )
}


def _exchange(request: Request) -> Exchange:
    """What the request came by; see `gateway.api.exchange`."""
    found: Exchange = request.scope["gateway.exchange"]
    return found


def admin_app(link: AccountantLink, admission: Admission, config: Config, prices: dict[str, Price | None]) -> FastAPI:
    """Everything that is not on the hot path. Its OpenAPI document is at /openapi.json, behind the master key."""
    bearer = HTTPBearer(description="The master key", auto_error=False)

    async def master(request: Request) -> None:
        exchange = _exchange(request)
        secret = credential(exchange.headers)
        if secret and admission.is_master(secret):
            return
        # As with LiteLLM, a key may ask what it may spend and has spent, and of no other key.
        own = hash_of(secret)
        asked = request.query_params.get("key") or own
        if secret and request.url.path == "/key/info" and own in (asked, hash_of(asked.encode())):
            await admission.key(exchange)
            return
        raise ApiError(401, "invalid_api_key", "This path needs the master key")

    app = FastAPI(
        title="Gateway",
        version=__version__,
        dependencies=[Depends(master), Depends(bearer)],
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        responses=_ERRORS,
    )

    async def ask(path: str, body: dict[str, Any], by: str | None = None) -> Any:
        try:
            orjson.dumps(body)
        except TypeError as error:
            # Metadata may hold anything: a number of more than 64 bits, half a character, a hundred levels.
            raise ApiError(400, "invalid_request_error", f"The body cannot be kept: {error}") from None
        return (await link.ask({"op": "admin", "path": path, "body": body, "by": by or ""}))["result"]

    def post(path: str, shape: type[BaseModel]) -> None:
        async def handler(body: Any, changed_by: ChangedBy = None) -> Any:
            return await ask(path, body.model_dump(exclude_unset=True), changed_by)

        handler.__annotations__["body"] = Annotated[shape, Body()]
        app.post(path, name=path, responses=answer_of(path))(handler)

    for path, shape in POSTS.items():
        post(path, shape)

    _add_keys(app, ask, admission)
    _add_owners(app, ask)
    _add_reading(app, ask, config, prices)
    _add_errors(app)
    return app


def _add_keys(app: FastAPI, ask: Ask, admission: Admission) -> None:
    @app.post("/key/{key}/regenerate", responses=answer_of("/key/{key}/regenerate"))
    async def regenerate(key: str, body: RotatedKey | None = None, changed_by: ChangedBy = None) -> Any:
        given = body.model_dump(exclude_unset=True) if body else {}
        return await ask("/key/regenerate", {**given, "key": key}, changed_by)

    @app.post("/key/{key}/reset_spend", responses=answer_of("/key/{key}/reset_spend"))
    async def reset_spend(key: str, changed_by: ChangedBy = None) -> Any:
        return await ask("/key/reset_spend", {"key": key}, changed_by)

    @app.get("/key/info", responses=answer_of("/key/info"))
    async def key_info(request: Request, key: str | None = None, key_alias: str | None = None) -> Any:
        secret = credential(_exchange(request).headers)
        if not admission.is_master(secret):
            # Whatever else is asked for, it is the caller's own.
            key, key_alias = hash_of(secret), None
        return await ask("/key/info", {"key": key, "key_alias": key_alias})

    @app.get("/key/list", responses=answer_of("/key/list"))
    async def key_list(which: Annotated[KeysQuery, Query()]) -> Any:
        return await ask("/key/list", which.model_dump())


def _add_owners(app: FastAPI, ask: Ask) -> None:
    @app.get("/team/info", responses=answer_of("/team/info"))
    async def team_info(team_id: str) -> Any:
        return await ask("/team/info", {"team_id": team_id})

    @app.get("/team/list", responses=answer_of("/team/list"))
    async def team_list() -> Any:
        return await ask("/team/list", {})

    @app.get("/user/info", responses=answer_of("/user/info"))
    async def user_info(user_id: str) -> Any:
        return await ask("/user/info", {"user_id": user_id})

    @app.get("/user/list", responses=answer_of("/user/list"))
    async def user_list(page: Page = 1, size: Size = 100) -> Any:
        return await ask("/user/list", {"page": page, "size": size})


def _add_reading(app: FastAPI, ask: Ask, config: Config, prices: dict[str, Price | None]) -> None:
    @app.get("/openapi.json", include_in_schema=False)
    async def openapi() -> Any:
        document = app.openapi()
        document["paths"] |= OPEN_PATHS
        return document

    @app.get("/spend/logs", responses=answer_of("/spend/logs"))
    async def spend_logs(rows: Annotated[RowsQuery, Query()]) -> Any:
        return (await ask("/spend/logs", rows.asked()))["data"]

    @app.get("/spend/logs/v2", responses=answer_of("/spend/logs/v2"))
    async def spend_logs_paged(rows: Annotated[RowsQuery, Query()]) -> Any:
        return await ask("/spend/logs", rows.asked())

    @app.get("/audit", responses=answer_of("/audit"))
    async def audit(page: Page = 1, page_size: Size = 100) -> Any:
        return await ask("/audit", {"page": page, "page_size": page_size})

    @app.get("/audit/storage", responses=answer_of("/audit/storage"))
    async def audit_storage() -> Any:
        return await ask("/audit/storage", {})

    @app.get("/model/info", responses=answer_of("/model/info"))
    async def model_info() -> Any:
        return {"data": models_view(config, prices)}

    @app.get("/v1/model/info", responses=answer_of("/v1/model/info"))
    async def model_info_v1() -> Any:
        return {"data": models_view(config, prices)}


class KeysQuery(BaseModel):
    """Which keys. As with LiteLLM, `keys` are hashes unless `return_full_object` is true."""

    team_id: str | None = None
    user_id: str | None = None
    key_hash: str | None = None
    key_alias: str | None = None
    return_full_object: bool = False
    page: int = Field(1, ge=1, le=1_000_000)
    size: int = Field(100, ge=1, le=1000)


class RowsQuery(BaseModel):
    """Which ledger rows, newest first; `limit` is another name of `page_size`. LiteLLM's `summarize` changes nothing:
    rows are never summed up here."""

    model_config = ConfigDict(extra="forbid")

    request_id: str | None = None
    api_key: str | None = None
    team_id: str | None = None
    user_id: str | None = None
    end_user: str | None = None
    model: str | None = None
    tag: str | None = None
    start_date: datetime | None = None
    end_date: datetime | None = None
    page: int = Field(1, ge=1, le=1_000_000)
    page_size: int = Field(1000, ge=1, le=10_000)
    limit: int | None = Field(None, ge=1, le=10_000)
    summarize: bool = False

    def asked(self) -> dict[str, Any]:
        """The question to the accountant."""
        found = self.model_dump(exclude={"limit", "summarize"}, exclude_none=True)
        if self.limit is not None:
            found["page_size"] = self.limit
        return {**found, "start_date": _seconds(self.start_date), "end_date": _seconds(self.end_date)}


def models_view(config: Config, prices: dict[str, Price | None]) -> list[dict[str, Any]]:
    """Every deployment with its price, in LiteLLM's shape; no address and no credential."""
    return [
        {
            "model_name": model.name,
            "litellm_params": {"model": f"{d.provider}/{d.model}", "rpm": d.rpm, "tpm": d.tpm, "weight": d.weight},
            "model_info": {"id": d.id, "hidden": model.hidden, **_price_view(prices.get(d.id))},
        }
        for model in config.models
        for d in model.deployments
    ]


def _price_view(price: Price | None) -> dict[str, Any]:
    if price is None:
        return {"priced": False, "input_cost_per_token": None, "output_cost_per_token": None}
    per_token = {
        "input_cost_per_token": price.input,
        "output_cost_per_token": price.output,
        "cache_read_input_token_cost": price.cached_input,
        "cache_creation_input_token_cost": price.cache_write,
        "output_cost_per_reasoning_token": price.reasoning,
        "input_cost_per_audio_token": price.audio_input,
        "output_cost_per_audio_token": price.audio_output,
    }
    shown = {name: None if nano is None else nano / 1e15 for name, nano in per_token.items()}
    return {"priced": True, **shown}


def _seconds(moment: datetime | None) -> float | None:
    if moment is None:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _add_errors(app: FastAPI) -> None:
    """Every error in OpenAI's shape."""

    @app.exception_handler(ApiError)
    async def api_error(_: Request, error: ApiError) -> JSONResponse:
        return _answer(error.status, error.kind, error.message)

    @app.exception_handler(AccountantGoneError)
    async def gone(_: Request, error: AccountantGoneError) -> JSONResponse:
        return _answer(503, "service_unavailable", str(error))

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"][1:])
        reason = "unknown field" if first["type"] == "extra_forbidden" else first["msg"].removeprefix("Value error, ")
        return _answer(400, "invalid_request_error", f"{field}: {reason}" if field else reason)

    @app.exception_handler(HTTPException)
    async def not_found(_: Request, error: HTTPException) -> JSONResponse:
        return _answer(error.status_code, "not_found_error", str(error.detail))


def _answer(status: int, kind: str, message: str) -> JSONResponse:
    error = {"message": message, "type": kind, "param": None, "code": str(status)}
    return JSONResponse({"error": error}, status_code=status)
