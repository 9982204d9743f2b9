"""The admin API: LiteLLM's paths and field names, behind the master key; the accountant answers."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import Body, Depends, FastAPI, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

from gateway import __version__, period
from gateway.api.admission import Admission
from gateway.api.requests import credential
from gateway.errors import AccountantGoneError, ApiError
from gateway.limits.link import AccountantLink


def _duration(text: str) -> str:
    period.seconds(text)
    return text


Alias = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\s\x00-\x1f]+$")]
Duration = Annotated[str, AfterValidator(_duration)]
Count = Annotated[int, Field(ge=1, le=1_000_000_000)]
Dollars = Annotated[float, Field(ge=0, le=1_000_000_000, allow_inf_nan=False)]


class _Fields(BaseModel):
    # A field that would have no effect is refused: silence would look like a limit that holds.
    model_config = ConfigDict(extra="forbid")


class _Owner(_Fields):
    models: list[Alias] | None = None
    max_budget: Dollars | None = None
    budget_duration: Duration | None = None
    metadata: dict[str, Any] | None = None


class KeyFields(_Owner):
    """What a key has."""

    key_alias: Alias | None = None
    team_id: Alias | None = None
    rpm_limit: Count | None = None
    tpm_limit: Count | None = None
    max_parallel_requests: Count | None = None
    duration: Duration | None = None
    blocked: bool | None = None


class NewKey(KeyFields):
    """`key`: an own value instead of a random one."""

    key: Annotated[str, Field(min_length=16, max_length=200, pattern=r"^sk-[!-~]+$")] | None = None


class ChangedKey(KeyFields):
    """`key`: the secret or its hash."""

    key: str


class NamedKey(_Fields):
    """`key`: the secret or its hash."""

    key: str


class DeletedKeys(_Fields):
    """By secret or hash, or by alias."""

    keys: list[str] | None = None
    key_aliases: list[str] | None = None


class TeamFields(_Owner):
    """What a team has."""

    team_alias: Alias | None = None


class NewTeam(TeamFields):
    """`team_id`: an own id instead of a random one."""

    team_id: Alias | None = None


class ChangedTeam(TeamFields):
    """Fields that are left out stay."""

    team_id: str


class DeletedTeams(_Fields):
    """Their keys are deleted with them."""

    team_ids: list[str]


def admin_app(link: AccountantLink, admission: Admission) -> FastAPI:
    """Everything that is not on the hot path."""

    async def master(request: Request) -> None:
        secret = credential(request.scope)
        if not secret or not admission.is_master(secret):
            raise ApiError(401, "invalid_api_key", "This path needs the master key")

    app = FastAPI(title="Gateway", version=__version__, dependencies=[Depends(master)])

    async def ask(path: str, body: dict[str, Any]) -> Any:
        return (await link.ask({"op": "admin", "path": path, "body": body}))["result"]

    def post(path: str, shape: type[BaseModel]) -> None:
        async def handler(body: Any) -> Any:
            return await ask(path, body.model_dump(exclude_unset=True))

        handler.__annotations__["body"] = Annotated[shape, Body()]
        app.post(path, name=path)(handler)

    for path, shape in (
        ("/key/generate", NewKey),
        ("/key/update", ChangedKey),
        ("/key/block", NamedKey),
        ("/key/unblock", NamedKey),
        ("/key/delete", DeletedKeys),
        ("/team/new", NewTeam),
        ("/team/update", ChangedTeam),
        ("/team/delete", DeletedTeams),
    ):
        post(path, shape)

    @app.get("/key/info")
    async def key_info(key: str | None = None, key_alias: str | None = None) -> Any:
        return await ask("/key/info", {"key": key, "key_alias": key_alias})

    @app.get("/key/list")
    async def key_list(
        team_id: str | None = None,
        page: Annotated[int, Query(ge=1, le=1_000_000)] = 1,
        size: Annotated[int, Query(ge=1, le=1000)] = 100,
    ) -> Any:
        return await ask("/key/list", {"team_id": team_id, "page": page, "size": size})

    @app.get("/team/info")
    async def team_info(team_id: str) -> Any:
        return await ask("/team/info", {"team_id": team_id})

    @app.get("/team/list")
    async def team_list() -> Any:
        return await ask("/team/list", {})

    @app.get("/spend/logs")
    async def spend_logs(
        request_id: str | None = None,
        api_key: str | None = None,
        team_id: str | None = None,
        start_date: datetime | None = None,
        end_date: datetime | None = None,
        limit: Annotated[int, Query(ge=1, le=10_000)] = 10_000,
    ) -> Any:
        query = {"request_id": request_id, "api_key": api_key, "team_id": team_id, "limit": limit}
        return await ask("/spend/logs", {**query, "start_date": _seconds(start_date), "end_date": _seconds(end_date)})

    _add_errors(app)
    return app


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
        reason = "unknown field" if first["type"] == "extra_forbidden" else first["msg"]
        return _answer(400, "invalid_request_error", f"{field}: {reason}" if field else reason)

    @app.exception_handler(HTTPException)
    async def not_found(_: Request, error: HTTPException) -> JSONResponse:
        return _answer(error.status_code, "not_found_error", str(error.detail))


def _answer(status: int, kind: str, message: str) -> JSONResponse:
    error = {"message": message, "type": kind, "param": None, "code": str(status)}
    return JSONResponse({"error": error}, status_code=status)
