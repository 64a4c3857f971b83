# make help: what there is.
.DEFAULT_GOAL := help

help: ## This list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

demo: ## The whole walk on this machine: no key, no network
	uv run run.py demo

test: ## All tests
	uv run pytest

lint: ## Lint, format, types, import contracts
	uv run --group lint ruff check . && uv run --group lint ruff format --check . && uv run --group lint mypy && PYTHONPATH=plugins/ensemble:plugins/ml uv run --group lint lint-imports

format: ## Put the code in order
	uv run --group lint ruff check --fix . ; uv run --group lint ruff format .

bench: ## The benchmarks' table
	uv run python -m benchmarks

quality: ## The tables of docs/quality.md, measured on the labelled sets (MIDWATCH_DATA)
	uv run python docs/quality.py

calibrate: ## A calibration of the ensemble from texts that people judged: make calibrate SETS="FILE …"
	uv run --extra ml run.py ensemble calibrate --sets $(SETS)

proto: ## Make the gRPC stubs again
	.ci/proto

ci: ## What CI runs
	.ci/run

.PHONY: help demo test lint format bench quality calibrate proto ci
