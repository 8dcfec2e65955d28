# SPDX-License-Identifier: Apache-2.0
# The front door: Meson and Ninja behind one word each. Every target first makes sure of the packages and the build
# directories that it needs (scripts/setup, scripts/configure), and does nothing when they are there.
#
# Variables: JOBS=N processes at once; CC=gcc|clang; PREFIX= and DESTDIR= for install;
#            FUZZ=name and FUZZ_RUNS=N for fuzz;
#            DATA_DIR=folder of files, CONFIG=file, STRATEGY=name and WORK_DIR=folder for the targets of training.
JOBS ?= $(shell nproc)
PREFIX ?= /usr/local
FUZZ_RUNS ?= 1000000
FUZZ ?=
DATA_DIR ?= data
CONFIG ?= configs/drilling/patchtsmixer_24cv.yaml
STRATEGY ?=
WORK_DIR ?= .auger
export JOBS
ifneq ($(origin CC),default)
export CC
endif
ninja = @ninja -j$(JOBS) -C

.DEFAULT_GOAL := all
.PHONY: all debug test test-peers demo bench lint format fuzz coverage install dist clean help
.PHONY: train-prepare-data train-model train-full

all: ## the release build: build/auger, build/libauger.so, build/libauger.a
	@scripts/setup --group build
	@scripts/configure release
	$(ninja) build products

debug: ## the same without optimisation, with debug information, in build-debug/
	@scripts/setup --group build
	@scripts/configure debug
	$(ninja) build-debug products

test: ## all tests: ASan and UBSan, TSan, release, fuzz corpora, command line, foreign clients
	@scripts/setup --group build --group test
	@scripts/test

test-peers: ## tests against the programs that Auger stands beside (fetches them; heavy)
	@scripts/setup --group build --group test
	@scripts/test --peers

demo: all ## the whole life of a model on simulated holes, then its ledger; DEMO_DIR=folder keeps it
	@scripts/demo "$(DEMO_DIR)"

train-prepare-data: all ## the files of DATA_DIR, judged and labelled, into WORK_DIR/prepared
	@build/auger prepare --input-dir "$(DATA_DIR)" --output-dir "$(WORK_DIR)/prepared" --validate --auto-label

train-model: all ## trains CONFIG (with STRATEGY) on WORK_DIR/prepared into WORK_DIR/training; again: goes on
	@build/auger train --config "$(CONFIG)" --data-dir "$(WORK_DIR)/prepared" --output-dir "$(WORK_DIR)/training" \
		--home "$(WORK_DIR)" --resume $(if $(STRATEGY),--strategy "$(STRATEGY)")

train-full: train-prepare-data ## both, one after the other
	@$(MAKE) --no-print-directory train-model

bench: ## measures, beside the peers where there are any
	@scripts/setup --group build
	@scripts/configure release
	$(ninja) build products benches
	@scripts/bench

lint: ## format, static analysis, both compilers, house rules, reproducible build
	@scripts/setup --group build --group test --group lint
	@scripts/lint

format: ## puts every C file into the form that lint wants
	@scripts/setup --group build --group lint
	@scripts/lint apply_format

fuzz: ## runs every fuzz target, or FUZZ=name, for FUZZ_RUNS executions
	@scripts/setup --group build --group fuzz
	@scripts/configure fuzz
	$(ninja) build-fuzz fuzzers
	@scripts/fuzz "$(FUZZ_RUNS)" "$(FUZZ)"

coverage: ## which lines the tests reach: build-coverage/report/index.html
	@scripts/setup --group build --group test --group coverage
	@scripts/test --coverage

install: all ## into $(DESTDIR)$(PREFIX)
	@scripts/configure release --prefix "$(PREFIX)"
	@DESTDIR="$(DESTDIR)" meson install -C build --no-rebuild --quiet

dist: ## build-dist/auger-VERSION.tar.gz of the committed tree
	@scripts/dist

clean: ## removes every build directory
	@rm -rf build build-*/

help: ## this text
	@echo "make TARGET"
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/  \1	\2/p' Makefile | expand -t 22
	@sed -n 's/^# \(Variables:.*\)/\1/p; s/^# \(  *[A-Z]*_*[A-Z]*=.*\)/\1/p' Makefile
