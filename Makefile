# Dataprism. `make demo` and `make test` do all set-up themselves on Debian 12 with Swift 6.3.
SHELL := /bin/bash
PORT ?= 7070
BIN = $(shell swift build -c release --show-bin-path)
QUIET = 2>&1 | { grep -v 'unhandled; explicitly declare\|/CMakeLists.txt$$' || true; }

.DEFAULT_GOAL := help
.PHONY: help setup build demo test oracle check format simulate chaos bench bench-peers clean

help: ## lists the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

setup: ## installs the system packages that are missing
	@scripts/setup

build: setup ## builds the dataprism command in release mode
	@set -o pipefail; swift build -c release --product dataprism $(QUIET)

demo: build ## boots three nodes with examples/auctions.sql, adds one, kills one, and shows that the views stay right
	@exec scripts/demo --data data/demo --http $(PORT)

check: ## format, tidy and import graph, without a build
	@Tests/Tidy/tidy
	@swift format lint --strict --parallel --recursive Package.swift Sources Tests

format: ## formats all Swift files
	@swift format --in-place --parallel --recursive Package.swift Sources Tests

test: setup check ## builds once in release mode and runs every test
	@scripts/test

SEEDS ?= 2000
simulate: setup ## simulates SEEDS clusters from seeds 0 on, and prints what occurred
	@set -o pipefail; swift build -c release --product Simulate $(QUIET)
	@SWIFT_BACKTRACE=enable=no $(BIN)/Simulate $(SEEDS)

chaos: build ## kills, stops, loads and restarts clusters of real processes for half an hour, and prints what it took
	@chaos/figures.py
	@chaos/zombie.py --seconds 60 --nodes 3
	@chaos/strangers.py
	@chaos/rolling.py --nodes 5 --rounds 2
	@chaos/rolling.py --mixed --nodes 3
	@chaos/scaling.py

oracle: setup ## compares everything with PostgreSQL at length: 100 000 expressions, 5 000 queries, TPC-H at scale 0.1
	@set -o pipefail; swift build -c release --build-tests $(QUIET)
	@ORACLE=full SWIFT_BACKTRACE=enable=no swift test -c release --skip-build --filter OracleTests

bench: build ## runs the benchmarks and prints them beside the peers' figures
	@set -o pipefail; swift build -c release --product LogStress $(QUIET)
	@bench/run

bench-peers: setup ## runs DuckDB and the C bound on the NDJSON job on this machine
	@bench/peers/run

clean: ## removes what was built, and the demo's data
	@rm -rf .build data bench/data
