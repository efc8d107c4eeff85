# Everything here needs Rust (cargo) and nothing else: on Debian and Ubuntu the rest is installed with apt-get.

CARGO ?= cargo
PREFIX ?= $(if $(filter 0,$(shell id -u)),/usr/local,$(HOME)/.local)
DESTDIR ?=
TARGET_DIR := $(if $(CARGO_TARGET_DIR),$(CARGO_TARGET_DIR),target)
INTO := $(DESTDIR)$(PREFIX)
SIPDIAG := $(INTO)/bin/sipdiag
DEMO := fixtures/captures/004-register-bad-password.pcap

.PHONY: help demo test install uninstall clean

help:
	@echo 'make demo      build sipdiag and diagnose a call that failed'
	@echo 'make test      run every test, those on a live interface too'
	@echo 'make install   install sipdiag, its man page and completions into PREFIX ($(PREFIX))'
	@echo 'make uninstall remove them again'
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
	install -d '$(INTO)/share/man/man1' '$(INTO)/share/bash-completion/completions' \
	    '$(INTO)/share/zsh/site-functions' '$(INTO)/share/fish/vendor_completions.d'
	'$(SIPDIAG)' man > '$(INTO)/share/man/man1/sipdiag.1'
	'$(SIPDIAG)' completions bash > '$(INTO)/share/bash-completion/completions/sipdiag'
	'$(SIPDIAG)' completions zsh > '$(INTO)/share/zsh/site-functions/_sipdiag'
	'$(SIPDIAG)' completions fish > '$(INTO)/share/fish/vendor_completions.d/sipdiag.fish'

uninstall:
	rm -f '$(SIPDIAG)' '$(INTO)/share/man/man1/sipdiag.1' '$(INTO)/share/bash-completion/completions/sipdiag' \
	    '$(INTO)/share/zsh/site-functions/_sipdiag' '$(INTO)/share/fish/vendor_completions.d/sipdiag.fish'

clean:
	$(CARGO) clean
