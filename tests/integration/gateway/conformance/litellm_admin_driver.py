"""Run by the Python that has LiteLLM: its own admin client against a gateway, and its own types over the answers.

The order (url, master key, one key) comes as JSON on stdin; what the client got goes as JSON to stdout. It knows
nothing of the tests.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"

from litellm.proxy import _types as types  # type: ignore[import-not-found,unused-ignore]
from litellm.proxy.client import Client  # type: ignore[import-not-found,unused-ignore]
from litellm.proxy.client.users import UsersManagementClient  # type: ignore[import-not-found,unused-ignore]


def defaults_of(shape: Any, **fields: Any) -> dict[str, Any]:
    """A body as LiteLLM's dashboard sends it: every field of the shape, most with their defaults."""
    return {**json.loads(shape(**fields).model_dump_json()), **fields}


def call(client: Client, method: str, path: str, **body: Any) -> Any:
    return client.http.request(method, path, json=body or None)


def main() -> None:
    order = json.load(sys.stdin)
    client = Client(order["url"], order["master"])
    users = UsersManagementClient(order["url"], order["master"])
    team = call(client, "POST", "/team/new", **defaults_of(types.NewTeamRequest, team_alias="lite", max_budget=5))
    types.LiteLLM_TeamTable(**team)
    made = client.keys.generate(
        models=["demo"], aliases={}, spend=0, duration="1h", key_alias="lite-key", team_id=team["team_id"], config={}
    )
    types.GenerateKeyResponse(**made)
    body = defaults_of(types.GenerateKeyRequest, key_alias="lite-full", max_budget=1, budget_duration="1d", tpm_limit=9)
    full = call(client, "POST", "/key/generate", **body)
    types.GenerateKeyResponse(**full)
    info = client.keys.info(made["key"])
    types.LiteLLM_VerificationToken(**info["info"])
    client.keys.update(made["key"], models=[], key_alias="lite-renamed")
    plain = client.keys.list(page=1, size=100)
    types.KeyListResponseObject(**plain)
    objects = client.keys.list(key_alias="lite-renamed", return_full_object=True, include_team_keys=True)
    for one in objects["keys"]:
        types.LiteLLM_VerificationToken(**one)
    own = Client(order["url"], made["key"])
    user = users.create_user({"user_email": "a@example.org", "user_role": "internal_user"})
    types.NewUserResponse(**user)
    user_info = users.get_user(user["user_id"])
    types.UserInfoResponse(**user_info)
    answer = {
        "made": made,
        "full": full,
        "info": info,
        "plain": plain,
        "objects": objects,
        "own": call(own, "GET", "/key/info"),
        "team_info": call(client, "GET", f"/team/info?team_id={team['team_id']}"),
        "teams": client.teams.list(),
        "users": users.list_users(),
        "user": user,
        "user_info": user_info,
        "models": client.models.list(),
        "model_info": client.models.info(),
        "rows": call(client, "GET", "/spend/logs?summarize=false"),
        "blocked": call(client, "POST", "/key/block", key=made["key"]),
        "rotated": call(client, "POST", f"/key/{full['token']}/regenerate"),
        "deleted": client.keys.delete(keys=[made["key"]]),
        "users_deleted": users.delete_user([user["user_id"]]),
    }
    json.dump(answer, sys.stdout)


if __name__ == "__main__":
    main()
