# Everything here needs Rust (cargo) and nothing else: on Debian and Ubuntu the rest is installed with apt-get.

CARGO ?= cargo
# The copy that is installed goes without its debug information, which is most of it; what was built keeps it.
STRIP ?= strip
PREFIX ?= $(if $(filter 0,$(shell id -u)),/usr/local,$(HOME)/.local)
DESTDIR ?=
TARGET_DIR := $(if $(CARGO_TARGET_DIR),$(CARGO_TARGET_DIR),target)
INTO := $(DESTDIR)$(PREFIX)
SIPDIAG := $(INTO)/bin/sipdiag
DEMO := fixtures/captures/004-register-bad-password.pcap

PAGES := $(INTO)/share/man/man1
BASH_COMPLETION := $(INTO)/share/bash-completion/completions/sipdiag
ZSH_COMPLETION := $(INTO)/share/zsh/site-functions/_sipdiag
FISH_COMPLETION := $(INTO)/share/fish/vendor_completions.d/sipdiag.fish
CARGO_DEB := 3.8.0
MUSL := x86_64-unknown-linux-musl

.PHONY: help demo test install uninstall deb static clean

help:
	@echo 'make demo      build sipdiag and diagnose a call that failed'
	@echo 'make test      run every test, those on a live interface too'
	@echo 'make install   install sipdiag, its man pages and completions into PREFIX ($(PREFIX))'
	@echo 'make uninstall remove them again'
	@echo 'make deb       build a Debian package into target/debian'
	@echo 'make static    build a reader that needs no library, for $(MUSL)'
	@echo 'make clean     remove what was built'

demo:
	@.ci/setup build
	$(CARGO) build --release --locked
	$(TARGET_DIR)/release/sipdiag read $(DEMO)

test:
	@.ci/setup test
	$(CARGO) test --locked

install:
	@.ci/setup build
	$(CARGO) install --path . --locked --no-track --force --root '$(INTO)'
	$(STRIP) '$(SIPDIAG)'
	install -d $(foreach file,$(BASH_COMPLETION) $(ZSH_COMPLETION) $(FISH_COMPLETION),'$(dir $(file))')
	'$(SIPDIAG)' man --dir '$(PAGES)'
	'$(SIPDIAG)' completions bash > '$(BASH_COMPLETION)'
	'$(SIPDIAG)' completions zsh > '$(ZSH_COMPLETION)'
	'$(SIPDIAG)' completions fish > '$(FISH_COMPLETION)'

uninstall:
	rm -f '$(SIPDIAG)' '$(PAGES)/sipdiag.1' '$(BASH_COMPLETION)' '$(ZSH_COMPLETION)' '$(FISH_COMPLETION)'
	rm -f '$(PAGES)'/sipdiag-*.1

deb:
	@.ci/setup deb
	$(CARGO) build --release --locked
	packaging/generate.sh $(TARGET_DIR)/release/sipdiag target/package
	@cargo-deb --version 2>/dev/null | grep -qw '$(subst .,\.,$(CARGO_DEB))' || \
	    $(CARGO) install cargo-deb --locked --version $(CARGO_DEB) --root $(TARGET_DIR)/tools
	PATH="$$PATH:$(abspath $(TARGET_DIR))/tools/bin" $(CARGO) deb --no-build --strip --locked

static:
	@.ci/setup static
	CC_x86_64_unknown_linux_musl=musl-gcc CARGO_PROFILE_RELEASE_STRIP=symbols $(CARGO) build --release --locked --no-default-features --target $(MUSL)
	@echo built $(TARGET_DIR)/$(MUSL)/release/sipdiag

clean:
	$(CARGO) clean
