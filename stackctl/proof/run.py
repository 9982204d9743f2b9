"""`validate` and `alerts test`: make canaries, cross thresholds, follow every hop, clean up, write the evidence."""

from __future__ import annotations

import asyncio
import secrets
import signal
import threading
import time
from typing import TYPE_CHECKING

from stackctl.client import GatewayClient
from stackctl.proof.canary import RECORDS, Canary
from stackctl.proof.causes import Case
from stackctl.proof.drivers import Traffic, key_settings, make_stimulus
from stackctl.proof.drivers.budget import Purse
from stackctl.proof.evidence import write_evidence
from stackctl.proof.follow import Chain, Event, OnUpdate, unwatched
from stackctl.proof.hops import Outcome, Proof
from stackctl.proof.injected import InjectedAlert
from stackctl.proof.leftovers import cleanup_leftovers
from stackctl.proof.plan import Group, Item, make_plan
from stackctl.proof.provoked import ProvokedAlert, Removal
from stackctl.proof.session import Session
from stackctl.proof.together import Together
from stackctl.proof.verdict import alert_verdict, proof_verdict

if TYPE_CHECKING:
    from collections.abc import Coroutine, Sequence

    from stackctl.proof.endpoints import Endpoints, Options

# Prometheus hands newly discovered targets on every 5 s (discovery manager).
_DISCOVERY_S = 6.0
SPEND_ALERTS = ("LitellmKeyBudget80", "LitellmKeyBudget100")


def validate(endpoints: Endpoints, options: Options, on_update: OnUpdate = unwatched) -> Proof:
    """Fire the spend alerts end to end; see `prove_alerts`."""
    return prove_alerts(endpoints, SPEND_ALERTS, options, on_update)


def prove_alerts(
    endpoints: Endpoints, names: Sequence[str], options: Options, on_update: OnUpdate = unwatched
) -> Proof:
    """Prove that these alerts reach their receiver, and that it is told when they are over.

    `on_update` is called in this thread at every change, with the same Proof that is returned. Whatever happens, the
    canaries are removed and the evidence is written. Raises UnavailableError if a part does not answer before
    anything was tried, UsageError for an unknown alert, StackctlError if the gateway makes no canary, and
    KeyboardInterrupt on SIGINT and SIGTERM.
    """
    return _interruptible(_Run(endpoints, options, on_update).prove(names))


class _Run:
    def __init__(self, endpoints: Endpoints, options: Options, on_update: OnUpdate) -> None:
        self._endpoints = endpoints
        self._options = options
        self._on_update = on_update
        self._proof = Proof(
            id="",
            receiver=endpoints.receiver,
            alerts=[],
            endpoints=endpoints.urls(),
            started=time.time(),
            stack=options.stack,
        )

    async def prove(self, names: Sequence[str]) -> Proof:
        with GatewayClient(self._endpoints.administered_at, self._endpoints.master_key) as gateway:
            gateway.check_alive()
            async with Session(self._endpoints) as session:
                groups = await make_plan(session, self._options, names)
                try:
                    self._announce(groups)
                    await self._wait_for_first_scrape(session)
                    async with Together() as tasks:
                        for group in groups:
                            tasks.start(self._prove_group(group, session, gateway))
                finally:
                    self._finish()
        return self._proof

    def _announce(self, groups: list[Group]) -> None:
        self._proof.id = groups[0].label.split("-")[0] if groups else secrets.token_hex(4)
        self._proof.alerts = [item.proof for group in groups for item in group.items]
        self._proof.cleaned_up = True
        self._tell(Event("planned", text=_expectation(self._proof)))
        removed = cleanup_leftovers(self._endpoints, self._options.proofs)
        for name in removed:
            self._note(f"removed {name}, left behind by a test that was killed")

    async def _wait_for_first_scrape(self, session: Session) -> None:
        """A Prometheus that has just started takes seconds to find its targets: that is not the alert's time."""
        deadline = time.monotonic() + _DISCOVERY_S + (await session.prometheus.scrape_interval() or 0)
        noted = False
        while time.monotonic() < deadline:
            targets = await session.prometheus.targets()
            mine = [target for target in targets if target.serves(self._endpoints.gateway)]
            if any(target.health != "unknown" for target in mine) or (targets and not mine):
                return
            if not noted:
                self._note("waiting for Prometheus' first scrape of the gateway")
                noted = True
            await asyncio.sleep(self._options.poll_s)

    async def _prove_group(self, group: Group, session: Session, gateway: GatewayClient) -> None:
        if group.items[0].entry.driver == "inject":
            await self._inject(group, session)
        else:
            await self._provoke(group, session, gateway)

    async def _provoke(self, group: Group, session: Session, gateway: GatewayClient) -> None:
        settings = key_settings(group.items[0].entry, self._options.budget_usd)
        canary = Canary(gateway, self._options.proofs / RECORDS, group.label, settings)
        purse = Purse(self._options.budget_usd)
        alerts = [self._alert(item, group, session, purse) for item in group.items]
        try:
            with canary:
                await self._fire(alerts, Traffic(session.gateway, canary))
                began = time.time()
            removal = Removal(began, time.time(), canary.removed)
            async with Together() as tasks:
                for alert in alerts:
                    tasks.start(alert.resolve(removal))
        finally:
            self._proof.cleaned_up &= canary.removed

    async def _fire(self, alerts: list[ProvokedAlert], traffic: Traffic) -> None:
        """Climb the ladder: a rung is crossed when the one below fires, so that none can inhibit the one below it."""
        async with Together() as tasks:
            for alert in alerts:
                tasks.start(alert.fire(traffic))
                await alert.settled.wait()

    async def _inject(self, group: Group, session: Session) -> None:
        item = group.items[0]
        alert = InjectedAlert(session, self._chain(item), _case(item, group, session), item.rule, item.entry.reason)
        try:
            await alert.run()
        finally:
            self._proof.cleaned_up &= alert.withdraw()

    def _alert(self, item: Item, group: Group, session: Session, purse: Purse) -> ProvokedAlert:
        stimulus = make_stimulus(item.entry, purse)
        case = Case(session, item.proof.name, group.label, group.canary, item.labels, stimulus.signal)
        return ProvokedAlert(session, self._chain(item), stimulus, case)

    def _chain(self, item: Item) -> Chain:
        margin = self._options.margin_s
        return Chain(item.proof, lambda hop: item.timing.limit(hop, margin), self._options.poll_s, self._tell)

    def _finish(self) -> None:
        self._proof.finished = time.time()
        for alert in self._proof.alerts:
            if alert.outcome is Outcome.RUNNING:
                alert.outcome = Outcome.INTERRUPTED
            alert.verdict = alert.verdict or alert_verdict(alert)
        self._proof.verdict = proof_verdict(self._proof)
        try:
            write_evidence(self._proof, self._options.proofs)
        except OSError as error:
            self._proof.evidence_file = ""
            self._note(f"the evidence could not be written to {self._options.proofs}: {error.strerror}")
        self._tell(Event("finished", text=self._proof.verdict))

    def _note(self, text: str) -> None:
        self._proof.notes.append(text)
        self._tell(Event("note", text=text))

    def _tell(self, event: Event) -> None:
        self._on_update(self._proof, event)


def _case(item: Item, group: Group, session: Session) -> Case:
    return Case(session, item.proof.name, group.label, group.canary, item.labels)


def _expectation(proof: Proof) -> str:
    return f"{len(proof.alerts)} alert(s); from crossing to delivery at most {proof.expected_s:.0f} s"


def _interruptible(work: Coroutine[None, None, Proof]) -> Proof:
    """Run to the end, or clean up and raise KeyboardInterrupt on SIGINT (asyncio's own doing) and SIGTERM."""

    async def main() -> Proof:
        task = asyncio.current_task()
        if task is not None and threading.current_thread() is threading.main_thread():
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        return await work

    try:
        return asyncio.run(main())
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None
