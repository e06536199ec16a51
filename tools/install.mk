# make install [DESTDIR=] [prefix=/usr/local]: programs, units, web server snippets, documentation.
# Nothing is enabled, started or written into another program's configuration.
sbindir     ?= $(prefix)/sbin
mandir      ?= $(datadir)/man
unitdir     ?= $(prefix)/lib/systemd/system
sysusersdir ?= $(prefix)/lib/sysusers.d
tmpfilesdir ?= $(prefix)/lib/tmpfiles.d
completiondir ?= $(datadir)/bash-completion/completions
confdir     ?= /etc/lastmile
pkglibexecdir := $(libexecdir)/lastmile
pkgdatadir    := $(datadir)/lastmile

installed_bin     := lastmile lastmile-sandbox
installed_libexec := lastmile-front lastmile-worker lastmile-keeper lastmile-demo-tenant
installed_units   := $(notdir $(wildcard share/systemd/*.service share/systemd/*.socket \
                     share/systemd/*.target))
installed_man     := $(wildcard docs/man/*.8) $(wildcard docs/man/*.5)
# Paths in shipped files are those of a packaged installation; here they become this one's.
place = sed -e 's|/usr/libexec/lastmile|$(pkglibexecdir)|g' -e 's|/usr/share/lastmile|$(pkgdatadir)|g' \
        -e 's|/usr/bin/lastmile|$(bindir)/lastmile|g' -e 's|/etc/lastmile|$(confdir)|g' \
        -e 's|/run/lastmile|$(runstatedir)/lastmile|g' -e 's|/var/lib/lastmile|$(localstatedir)/lib/lastmile|g'
into = $(INSTALL) -d "$(DESTDIR)$(1)" && for f in $(2); do \
       $(place) "$$f" > "$(DESTDIR)$(1)/$$(basename $$f)" && \
       chmod $$(test -x "$$f" && echo 755 || echo 644) "$(DESTDIR)$(1)/$$(basename $$f)" || exit 1; done

.PHONY: install uninstall
install: all
	$(INSTALL) -d "$(DESTDIR)$(bindir)" "$(DESTDIR)$(pkglibexecdir)" "$(DESTDIR)$(docdir)"
	for p in $(installed_bin); do $(INSTALL) -m 755 $(O)/$$p "$(DESTDIR)$(bindir)/$$p" || exit 1; done
	for p in $(installed_libexec); do \
	    $(INSTALL) -m 755 $(O)/$$p "$(DESTDIR)$(pkglibexecdir)/$$p" || exit 1; done
	$(call into,$(pkgdatadir)/nginx,nginx/*.conf)
	$(call into,$(pkgdatadir)/apache,apache/*.conf)
	$(call into,$(pkgdatadir)/web,share/web/*)
	$(call into,$(pkgdatadir)/demo,share/demo/*)
	$(if $(wildcard share/redis/*),$(call into,$(pkgdatadir)/redis,share/redis/*))
	$(if $(wildcard share/engines/*),$(call into,$(pkgdatadir)/engines,share/engines/*))
	$(call into,$(unitdir),$(addprefix share/systemd/,$(installed_units)))
	$(call into,$(sysusersdir),share/systemd/sysusers.d/lastmile.conf)
	$(call into,$(tmpfilesdir),share/systemd/tmpfiles.d/lastmile.conf)
	$(call into,$(docdir),README.md docs/*.md)
	$(if $(installed_man),$(INSTALL) -d "$(DESTDIR)$(mandir)/man8" "$(DESTDIR)$(mandir)/man5")
	for f in $(installed_man); do \
	    $(INSTALL) -m 644 $$f "$(DESTDIR)$(mandir)/man$${f##*.}/$$(basename $$f)" || exit 1; done
	$(call into,$(completiondir),share/bash-completion/lastmile)

uninstall:
	for p in $(installed_bin); do rm -f "$(DESTDIR)$(bindir)/$$p"; done
	for u in $(installed_units); do rm -f "$(DESTDIR)$(unitdir)/$$u"; done
	for f in $(installed_man); do rm -f "$(DESTDIR)$(mandir)/man$${f##*.}/$$(basename $$f)"; done
	rm -f "$(DESTDIR)$(sysusersdir)/lastmile.conf" "$(DESTDIR)$(tmpfilesdir)/lastmile.conf"
	rm -f "$(DESTDIR)$(completiondir)/lastmile"
	rm -rf "$(DESTDIR)$(pkglibexecdir)" "$(DESTDIR)$(pkgdatadir)" "$(DESTDIR)$(docdir)"
