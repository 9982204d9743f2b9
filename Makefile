.PHONY: demo test check clean setup

STACKCTL := .venv/bin/stackctl

demo: setup
	@scripts/parts stable
	@test -f demo/stack.yaml || $(STACKCTL) init demo --demo --defaults
	@$(STACKCTL) up -C demo
	@$(STACKCTL) validate -C demo
	@echo
	@echo "The demo keeps running. Look at it:  $(STACKCTL) status -C demo"
	@echo "                                     $(STACKCTL) open -C demo"
	@echo "Stop it:                             $(STACKCTL) down -C demo"

test: setup
	@scripts/parts stable newer cosign docker compose
	@.venv/bin/pytest -n 4 --dist loadgroup $(PYTEST_ARGS)

check: setup
	@scripts/check

setup:
	@scripts/bootstrap

clean:
	@if test -x $(STACKCTL) && test -f demo/stack.yaml; then $(STACKCTL) down -C demo; fi
	rm -rf .venv demo dist build .pytest_cache .mypy_cache .ruff_cache .hypothesis
