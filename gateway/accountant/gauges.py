"""The accountant's series: state gauges with one writer, and zeros of counters that workers will raise."""

from __future__ import annotations

from pathlib import Path

from gateway import __version__, clock
from gateway.accountant.account import Account
from gateway.accountant.books import TEST_PREFIX, Books
from gateway.accountant.health import ProviderHealth
from gateway.accountant.records import Key, Owner, identity_of
from gateway.accountant.windows import Windows
from gateway.config import Config
from gateway.ledger.store import KEY, TEAM
from gateway.metrics.catalogue import catalogue
from gateway.metrics.cells import CellFile
from gateway.metrics.meter import Meter, entry_key, file_name
from gateway.metrics.zeros import first_series
from gateway.money import usd_from_nano
from gateway.routing.cooldown import Cooldowns

_SLOT = "accountant"
# More series than this are not begun at 0: a page of them would be slow to scrape for nobody's use.
_MOST_ZEROS = 100_000
_RATED = ("litellm_requests_remaining", "litellm_requests_limit", "litellm_max_parallel_requests")
_PERIOD = ("litellm_budget_period_seconds", "litellm_budget_reset_timestamp_seconds")
_MONEY = ("litellm_budget_usd", "litellm_budget_spent_usd", "litellm_budget_soft_usd", *_PERIOD)


class StateGauges:
    """One gauge file that is written anew when series must vanish, and in place otherwise."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / file_name(catalogue()["litellm_budget_usd"], _SLOT)
        self._values: dict[str, float] = {}
        self._keys: dict[tuple[str, ...], str] = {}
        self._draft = self._path.with_suffix(".draft")
        self._file = self._new_draft()

    def go_live(self) -> None:
        """Replace the file that readers see. Until the first call they see a predecessor's."""
        # Readers follow the name, so they see the old file or the whole new one.
        self._draft.replace(self._path)

    def set(self, name: str, value: float, *labels: str) -> None:
        """Set one gauge."""
        key = self._key(name, labels)
        if self._values.get(key) != value:
            # First the cell: making one may replace the view.
            cell = self._file.cell(key)
            self._file.view[cell] = value
            self._values[key] = value

    def remove(self, names: tuple[str, ...], *labels: str) -> None:
        """Take series away: a limit or budget that does not exist has none."""
        keys = [self._key(name, labels) for name in names]
        for name in names:
            del self._keys[name, *labels]
        if [key for key in keys if self._values.pop(key, None) is not None]:
            self._file.close()
            self._file = self._new_draft()
            self.go_live()

    def _key(self, name: str, labels: tuple[str, ...]) -> str:
        key = self._keys.get((name, *labels))
        if key is None:
            metric = catalogue()[name]
            key = self._keys[name, *labels] = entry_key(metric, name, metric.labels, labels)
        return key

    def _new_draft(self) -> CellFile:
        self._draft.unlink(missing_ok=True)
        file = CellFile(self._draft)
        for key, value in self._values.items():
            cell = file.cell(key)
            file.view[cell] = value
        return file


class Gauges:
    """Publishes books and provider health."""

    def __init__(
        self,
        directory: Path,
        config: Config,
        books: Books,
        windows: Windows,
        health: ProviderHealth,
        cooldowns: Cooldowns,
    ) -> None:
        self._cooldowns = cooldowns
        self._config = config
        self._windows = windows
        self._books = books
        self._health = health
        self._state = StateGauges(directory)
        self._meter = Meter(directory, _SLOT)
        self._used: set[str] = set()
        self._zeros = 0
        self._state.set("litellm_gateway_info", 1.0, __version__)
        self._deployments = {
            d.id: ((m.name, "", "", d.provider, d.id), d.rpm) for m in config.models for d in m.deployments if d.rpm
        }
        for model in config.models:
            self._meter.number("litellm_cache_hits_total", model.name)
            self._meter.number("litellm_cache_misses_total", model.name)
            for target in dict.fromkeys((*model.fallbacks, *model.context_fallbacks)):
                for success in ("true", "false"):
                    self._meter.number("litellm_fallbacks_total", model.name, target, success)
            for d in model.deployments:
                self._meter.number("litellm_unpriced_tokens_total", model.name, d.provider, d.id)
                for status in ("200", "401", "429", "500", "504"):
                    self._meter.number("litellm_upstream_attempts_total", model.name, "", "", d.provider, d.id, status)
        for team in books.teams.values():
            self.publish_team(team)
        for key in books.keys.values():
            self.publish_key(key)
        self.refresh(0)
        self._state.go_live()

    def publish_team(self, team: Owner) -> None:
        """A team is new or changed."""
        self._publish_account(team.account, team.record.alias, "")

    def publish_key(self, key: Key) -> None:
        """A key is new or changed; its first series start at 0 before its first request."""
        alias, team = key.record.alias, key.team_alias
        self._publish_account(key.account, team, alias)
        labels = ("", team, alias, "", "")
        for name, limit in (
            ("litellm_requests_limit", key.record.rpm_limit),
            ("litellm_requests_remaining", self._left(identity_of(key.account), key.record.rpm_limit)),
            ("litellm_max_parallel_requests", key.record.max_parallel_requests),
        ):
            if limit is None:
                self._state.remove((name,), *labels)
            else:
                self._state.set(name, limit, *labels)
        self._publish_zeros(alias, team, key.record.models)
        if (guard := self._config.loop_guard) is not None:
            self._meter.number("litellm_loop_guard_total", alias, team, guard.action)

    def _publish_zeros(self, alias: str, team: str, models: list[str]) -> None:
        for name, values in first_series(self._config, alias, team, models):
            if self._zeros >= _MOST_ZEROS and not alias.startswith(TEST_PREFIX):
                return
            self._zeros += self._meter.begin(name, *values)

    def remove_key(self, alias: str, team: str) -> None:
        """A key is gone: its state goes, what it counted stays."""
        self._state.remove(_MONEY, team, alias)
        self._state.remove(_RATED, "", team, alias, "", "")

    def remove_team(self, alias: str) -> None:
        """A team is gone."""
        self._state.remove(_MONEY, alias, "")

    def reset(self, account: Account, ended: int) -> None:
        """Budget periods ended."""
        if (names := self._names(account)) is not None:
            self._meter.number("litellm_budget_resets_total", *names).add(ended)
            self.refresh_money(account)

    def refresh_money(self, account: Account) -> None:
        """An account was charged or reset."""
        if (names := self._names(account)) is not None:
            self._publish_account(account, *names)

    def refresh(self, backlog: int) -> None:
        """What changes with time: minutes, providers, backlog."""
        minute = int(clock.now() // 60)
        used = {identity for identity, place in self._windows.last.items() if place.minute == minute}
        # Only keys that were used in this minute have less left than their limit, or had at the last look.
        for identity in used | self._used:
            kind, _, name = identity.partition(":")
            key = self._books.keys.get(name) if kind == KEY else None
            left = self._left(identity, key.record.rpm_limit) if key is not None else None
            if key is not None and left is not None:
                self._state.set("litellm_requests_remaining", left, "", key.team_alias, key.record.alias, "", "")
        self._used = used
        for identity, (labels, rpm) in self._deployments.items():
            self._state.set("litellm_requests_remaining", self._left(f"deployment:{identity}", rpm) or 0, *labels)
            self._state.set("litellm_requests_limit", rpm, *labels)
        for name, recent in self._health.providers.items():
            self._state.set("litellm_provider_up", float(recent.up), name)
        for model in self._config.models:
            for d in model.deployments:
                resting = self._cooldowns.seconds_left(d.id) > 0
                self._state.set("litellm_deployment_cooldown", float(resting), model.name, d.provider, d.id)
        self._state.set("litellm_ledger_backlog_rows", backlog)

    def _left(self, identity: str, limit: int | None) -> int | None:
        last = self._windows.last.get(identity)
        if limit is None or last is None or last.minute != int(clock.now() // 60) or last.requests_left is None:
            return limit
        return last.requests_left

    def _publish_account(self, account: Account, team: str, key: str) -> None:
        if account.budget is None:
            self._state.remove(_MONEY, team, key)
            return
        self._state.set("litellm_budget_usd", usd_from_nano(account.budget), team, key)
        self._state.set("litellm_budget_spent_usd", usd_from_nano(account.spent), team, key)
        holder = self._books.keys.get(account.identity) if key else self._books.teams.get(account.identity)
        soft = holder.record.soft_budget if holder is not None else None
        if soft is None:
            self._state.remove(("litellm_budget_soft_usd",), team, key)
        else:
            self._state.set("litellm_budget_soft_usd", usd_from_nano(soft), team, key)
        self._publish_period(account, team, key)
        self._meter.number("litellm_budget_resets_total", team, key)

    def _publish_period(self, account: Account, team: str, key: str) -> None:
        if account.period_s is None or account.resets_at is None:
            self._state.remove(_PERIOD, team, key)
            return
        self._state.set("litellm_budget_period_seconds", account.period_s, team, key)
        self._state.set("litellm_budget_reset_timestamp_seconds", account.resets_at, team, key)

    def _names(self, account: Account) -> tuple[str, str] | None:
        """The labels of an account; a user has none: users are no label."""
        if account.kind == TEAM and (team := self._books.teams.get(account.identity)) is not None:
            return team.record.alias, ""
        if account.kind == KEY and (key := self._books.keys.get(account.identity)) is not None:
            return key.team_alias, key.record.alias
        return None
