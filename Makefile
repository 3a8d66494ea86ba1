# `make demo` and `make test` are all a fresh machine with Swift needs.
SHELL := /bin/bash

.PHONY: help setup build install manual release demo gate-demo micro-pair test sanitize fuzz bench format lint clean

# Of fuzzing, for each target.
SECONDS ?= 60
# Of installing.
PREFIX ?= /usr/local

help: ## Lists the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: ## Installs the system libraries that are missing (Debian, Ubuntu)
	@./Scripts/setup

build: setup ## Builds the release binary
	Scripts/build

install: build ## Installs program, data and completions below PREFIX (/usr/local)
	@./Scripts/install "$(PREFIX)"

manual: setup ## Makes a man page of every command, which install takes along
	@./Scripts/manual

release: setup ## Packs a program that needs no Swift where it runs, with its data
	@./Scripts/release

demo: build ## Runs a small study end to end and says where its report lies
	@./Scripts/demo

gate-demo: build ## Gates a small sweep twice: one pass, one breach
	@./Scripts/gate-demo

micro-pair: build ## Makes the bundled pair of small models anew, from the project's own data
	@./Scripts/make-micro-pair

test: setup lint ## Runs every test whose parts are present; names what it skips
	swift build --build-tests --explicit-target-dependency-import-check error
	Scripts/test

sanitize: setup ## Runs tests under the address and thread sanitizers
	./Scripts/sanitize

fuzz: setup ## Fuzzes each reader of foreign bytes for SECONDS (60); only one with TARGET
	./Scripts/fuzz $(SECONDS) $(TARGET)

bench: build ## Measures beside other programs with the models in PAIR, and writes docs/performance.md's table
	python3 Benchmarks/all.py --pair "$(PAIR)"

format: ## Formats all Swift files in place
	swift format -i -r Package.swift Sources Tests Fuzz

lint: ## Checks the formatting, strictly
	swift format lint --strict -r Package.swift Sources Tests Fuzz

clean: ## Removes everything that was built
	rm -rf .build .build-* dist
