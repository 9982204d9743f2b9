.PHONY: demo test test-slow test-compiled check pictures mutation-report clean setup

STACKCTL := .venv/bin/stackctl

demo:
	@scripts/bootstrap run
	@scripts/parts stable
	@test -f demo/stack.yaml || $(STACKCTL) init demo --demo --defaults
	@$(STACKCTL) up -C demo
	@$(STACKCTL) validate -C demo
	@echo
	@echo "The demo keeps running. Look at it:  $(STACKCTL) status -C demo"
	@echo "                                     $(STACKCTL) open -C demo"
	@echo "Stop it:                             $(STACKCTL) down -C demo"

test: setup
	@scripts/parts stable newer cosign databases docker compose tools
	@scripts/litellm
	@.venv/bin/pytest -n 4 --dist loadgroup -m "not slow" $(PYTEST_ARGS)

# A real LiteLLM for minutes, alone and in a container; a compiled gateway; and a linter that needs npm.
test-slow: setup
	@scripts/parts stable newer cosign databases docker compose tools
	@scripts/litellm
	@scripts/dclint
	@.venv/bin/pytest -n 2 --dist loadgroup -m slow $(PYTEST_ARGS)

# The gateway's tests with real processes once more, against a wheel whose hot path is compiled.
test-compiled: setup
	@scripts/parts stable databases tools
	@PYTHONPATH=$$(.venv/bin/python scripts/compiled) .venv/bin/pytest -n 2 --dist loadgroup -m "not slow" tests/integration/gateway tests/integration/money $(PYTEST_ARGS)

check: setup
	@scripts/check

# Breaks every name, label, guard, comparison, threshold and window in turn; takes ten minutes of processor time.
mutation-report: setup
	@scripts/parts stable
	@.venv/bin/python -m tests.mutation

# Not part of test or check: the pictures in docs/images, drawn from a live stack.
pictures: setup
	@scripts/parts stable
	@scripts/pictures/make

setup:
	@scripts/bootstrap

clean:
	@if test -x $(STACKCTL) && test -f demo/stack.yaml; then $(STACKCTL) down -C demo; fi
	rm -rf .venv demo dist build .pytest_cache .mypy_cache .ruff_cache .hypothesis
