# The front door. Everything that happens is Meson and Ninja behind it; see CONTRIBUTING.md.
.PHONY: all
all: build/build.ninja
	@ninja -C build

build/build.ninja:
	@meson setup build
