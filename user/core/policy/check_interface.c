/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Interfaces that are named and not there: misspelt, yet to come, or another machine's. */
#include <string.h>

#include "core/policy/check.h"
#include "core/policy/words.h"

/* So many are named as those that are there; who has more looks himself. */
#define NAMES_SHOWN 6

struct present {
	const char *const *names;
	size_t n;
};

static bool is_there(const struct present *here, const char *name)
{
	for (size_t i = 0; i < here->n; i++)
		if (!strcmp(here->names[i], name))
			return true;
	return false;
}

/* Devices that programs make when a session begins, by the names that these give them. */
static bool comes_later(const char *name)
{
	static const char *const made[] = { "ppp",  "wg",    "tun",  "tap",    "wwan",   "wwp",
					    "l2tp", "gre",   "ipip", "vxlan",  "geneve", "vti",
					    "xfrm", "ipsec", "sit",  "ip6tnl", "usb",    "vpn" };

	for (size_t i = 0; i < ARRAY_SIZE(made); i++)
		if (!strncmp(name, made[i], strlen(made[i])))
			return true;
	return false;
}

static bool is_named(const struct name_list *l, const char *name)
{
	for (size_t i = 0; i < l->n; i++)
		if (!strcmp(l->v[i].name, name))
			return true;
	return false;
}

/* What could have been meant is a device that has no place in the file yet. */
static bool is_free(const struct policy_set *set, const char *name)
{
	return strcmp(name, "lo") != 0 && !is_named(&set->inside, name) &&
	       !is_named(&set->outside, name);
}

static void say_missing(struct checker *c, const struct present *here, const struct name_at *i)
{
	struct nearest near = { .s = i->name, .n = strlen(i->name) };
	struct buf help = { 0 };
	size_t shown = 0;

	for (size_t k = 0; k < here->n; k++)
		if (is_free(c->set, here->names[k]))
			nearest_offer(&near, here->names[k]);
	if (near.best)
		buf_printf(&help, "did you mean '%s'?", near.best);
	else
		buf_puts(&help, "correct the name, or wait: it is covered when it appears");
	for (size_t k = 0; k < here->n && shown <= NAMES_SHOWN && !near.best; k++) {
		if (!is_free(c->set, here->names[k]))
			continue;
		buf_printf(&help, "%s%s", shown ? ", " : ". There is also ",
			   shown < NAMES_SHOWN ? here->names[k] : "...");
		shown++;
	}
	check_warning(c, i->pos, buf_text(&help), "there is no interface '%s' on this machine",
		      i->name);
	buf_done(&help);
}

static void look_at(struct checker *c, const struct present *here, const struct name_list *l)
{
	for (size_t i = 0; i < l->n; i++) {
		const struct name_at *at = &l->v[i];

		if (is_there(here, at->name))
			continue;
		if (comes_later(at->name))
			check_note(c, at->pos, "it is covered when it appears",
				   "there is no interface '%s' now", at->name);
		else
			say_missing(c, here, at);
	}
}

static size_t count_there(const struct present *here, const struct name_list *l)
{
	size_t n = 0;

	for (size_t i = 0; i < l->n; i++)
		n += is_there(here, l->v[i].name);
	return n;
}

void policy_check_interfaces(const struct policy_set *set, const char *const *names, size_t n,
			     struct diag_list *diags)
{
	struct checker c = { .set = set, .diags = diags };
	struct present here = { .names = names, .n = n };
	const struct name_list *some = set->inside.n ? &set->inside : &set->outside;
	size_t first = diags->n;

	if (!set->inside.n && !set->outside.n)
		return;
	if (set->inside.n + set->outside.n > 1 && !count_there(&here, &set->inside) &&
	    !count_there(&here, &set->outside)) {
		check_note(&c, some->v[0].pos, NULL,
			   "this machine has none of the interfaces that are named here");
		return;
	}
	look_at(&c, &here, &set->inside);
	look_at(&c, &here, &set->outside);
	diag_sort(diags, first);
}
