# Dropforge's commands. `make` alone lists them. Each makes the environment first if there is none,
# from the hashed locks in requirements/: nothing but Python and make has to be there before.

VENV := .venv
CDK := npx --yes aws-cdk@2.1148.1
BIN := $(VENV)/bin

# The environment is in step when it was made here and no lock is newer than it.
READY := $(VENV)/.ready
ifneq ($(shell [ -x $(BIN)/python ] && cat $(VENV)/.place 2>/dev/null),$(CURDIR))
.PHONY: $(READY)
endif

# Bytecode is worth keeping: the demo and the tests start many processes.
unexport PYTHONDONTWRITEBYTECODE PYTHONHOME PYTHONPATH
export VENV
IN_PARALLEL := --numprocesses auto --maxprocesses 4 --dist loadfile
WITH_NODE := . requirements/node.sh &&
WITH_NPX := PATH="$(CURDIR)/$(BIN):$$PATH" NODE_USE_SYSTEM_CA=1

.DEFAULT_GOAL := help
.PHONY: help setup demo up down test test-unit test-infra test-flow bench-data bench-learn bench-promotion bench-serving bench-trees image-size lint format types \
	check-locks synth cost deploy destroy lock clean

help: ## List these targets
	@echo "Dropforge: a dropped file becomes a judged, deployed model."
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' Makefile

setup: $(READY) ## Create .venv from the hashed locks, or bring it in step with them
	@echo "setup: $(VENV) is in step with the locks"

$(READY): requirements/setup.sh pyproject.toml $(filter-out %/notebook.txt %/awscli.txt %/mlflow.txt %/bench.txt %/compiled.txt,$(wildcard requirements/*.txt))
	@sh requirements/setup.sh $(VENV)
	@touch $@

demo: $(READY) ## Run the main job on this machine: drops, runs, mails, an answer from the endpoint
	@$(BIN)/dropforge demo

up: $(READY) ## Start the local cloud and deploy the templates to it
	@$(BIN)/dropforge up

down: $(READY) ## Stop the local cloud; its state stays in .dropforge/
	@$(BIN)/dropforge down

test: $(READY) ## Run all tests, up to four files at a time
	@$(WITH_NODE) $(BIN)/python -m pytest $(IN_PARALLEL)

test-unit: $(READY) ## Run the unit tests
	@$(BIN)/python -m pytest tests/unit

test-infra: $(READY) ## Run the tests of the synthesized template
	@$(WITH_NODE) $(BIN)/python -m pytest tests/infra

test-flow: $(READY) ## Run the tests of whole runs on the local cloud
	@$(WITH_NODE) $(BIN)/python -m pytest tests/flow

bench-data: $(READY) ## Measure what taking data in costs (minutes; BENCH=--quick for a shorter look)
	@$(BIN)/python -m benchmarks.data $(BENCH)

bench-learn: $(READY) ## Measure what learning costs and brings (minutes; BENCH=--quick)
	@$(BIN)/python -m benchmarks.learn $(BENCH)

bench-promotion: $(READY) ## Simulate how often chance, and how often a better model, is promoted (BENCH=--quick)
	@$(BIN)/python -m benchmarks.promotion $(BENCH)

bench-serving: $(READY) ## Measure the server under load, beside others (minutes; BENCH=--quick)
	@$(BIN)/python -m benchmarks.serving $(BENCH)

bench-trees: $(READY) ## Measure what compiled trees bring and cost (two minutes)
	@$(BIN)/python -m benchmarks.trees

image-size: $(READY) ## List what is in the job image, in MB (a minute, no Docker; BENCH=--compiled)
	@$(BIN)/python -m benchmarks.image $(BENCH)

lint: $(READY) ## Check style and format
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

format: $(READY) ## Apply the format and the fixes that are safe
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

types: $(READY) ## Check types (everything but infra/)
	@$(BIN)/mypy

check-locks: $(READY) ## Check offline that the locks are in step with pyproject.toml
	@$(BIN)/python requirements/lock.py --check

synth: $(READY) ## Synthesize the templates into cdk.out/ (no credentials, no Docker)
	@$(WITH_NPX) $(CDK) synth --quiet

cost: $(READY) ## List what the stack costs when idle: make cost [STAGE=dev]
	@$(WITH_NODE) $(BIN)/python -m infra.idle_cost $(or $(STAGE),dev)

deploy: $(READY) ## Deploy to your AWS account: make deploy STAGE=dev|staging|prod
	@$(call need,STAGE)
	@$(WITH_NPX) $(CDK) deploy --context stage=$(STAGE)
	@echo "A run starts when a file is dropped under <project>/ in the DropBucket above:"
	@echo "  $(BIN)/dropforge push PROJECT --cloud aws --stage $(STAGE), then aws s3 cp FILE s3://<DropBucket>/PROJECT/"
	@echo "Confirm the mail subscriptions that AWS has just sent: unconfirmed ones vanish after 48 hours."
	@$(MAKE) --no-print-directory cost STAGE=$(STAGE)

destroy: $(READY) ## Remove a stage's stack from your AWS account: make destroy STAGE=…
	@$(call need,STAGE)
	@$(WITH_NPX) $(CDK) destroy --context stage=$(STAGE)

lock: $(READY) ## Compile the locks anew from pyproject.toml (UPGRADE=1: with newest versions)
	@$(BIN)/python requirements/lock.py $(if $(UPGRADE),--upgrade)
	@$(MAKE) --no-print-directory setup

clean: ## Remove the environment, caches and cdk.out; the local cloud's state stays
	rm -rf $(VENV) cdk.out build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

need = test -n "$($(1))" || { echo "Say which: make $@ $(1)=dev|staging|prod" >&2; exit 2; }
