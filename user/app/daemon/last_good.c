/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "app/daemon/last_good.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/addr.h"
#include "core/policy/lists.h"

/* A path in the set that is another one while the set is printed. */
struct swap {
	char **place;
	char *was;
};
struct saving {
	char *fresh; /* directory that is being filled */
	char *final; /* where it will be */
	struct {
		struct swap *v;
		size_t n, cap;
	} swaps;
	unsigned int lists;
	int r;
};

static int write_file(const char *path, const struct buf *b)
{
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	const char *p = buf_text(b);
	size_t left = b->n;

	if (fd < 0)
		return -errno;
	while (left) {
		ssize_t n = write(fd, p, left);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		p += n;
		left -= n;
	}
	return fsync(fd) < 0 ? -errno : 0;
}

/* Takes over `now`. */
static void swap_path(struct saving *s, char **place, char *now)
{
	*VEC_ADD(&s->swaps) = (struct swap){ place, *place };
	*place = now;
}

static void keep_list(struct saving *s, char **place, const struct buf *content)
{
	_cleanup_free_ char *path = xprintf("%s/list-%u", s->fresh, ++s->lists);
	int r = write_file(path, content);

	if (r < 0)
		s->r = r;
	swap_path(s, place, xprintf("%s/list-%u", s->final, s->lists));
}

static void keep_expr(struct saving *s, struct expr *e)
{
	_cleanup_buf_ struct buf b = { 0 };

	for (size_t i = 0; i < e->n; i++)
		keep_expr(s, e->v[i]);
	if (e->op != EXPR_ATOM || e->atom.kind != ATOM_FILE)
		return;
	for (size_t i = 0; i < e->atom.prefixes.n; i++) {
		char text[PREFIX_TEXT_MAX];

		buf_printf(&b, "%s\n", prefix_format(&e->atom.prefixes.v[i], text));
	}
	keep_list(s, &e->atom.text, &b);
}

static void keep_time(struct saving *s, struct time_expr *t)
{
	_cleanup_buf_ struct buf b = { 0 };

	if (!t)
		return;
	for (size_t i = 0; i < t->n; i++)
		keep_time(s, t->v[i]);
	if (t->op != TIME_FILE)
		return;
	print_dates(&t->dates, &b);
	keep_list(s, &t->text, &b);
}

static void keep_path(struct saving *s, const struct policy_set *set, char **place)
{
	_cleanup_free_ char *seen = policy_set_path(set, *place);
	char *real = realpath(seen, NULL);

	/* An alert file may not exist yet. */
	if (!real && *seen != '/') {
		_cleanup_free_ char *here = getcwd(NULL, 0);

		real = xprintf("%s/%s", here ? here : "", seen);
	}
	swap_path(s, place, real ? real : xstrdup(seen));
}

static void keep_everything(struct saving *s, struct policy_set *set)
{
	for (size_t i = 0; i < set->geo.n; i++)
		keep_path(s, set, &set->geo.v[i].path);
	for (size_t i = 0; i < set->alert_to.files.n; i++)
		keep_path(s, set, &set->alert_to.files.v[i].name);
	for (size_t i = 0; i < set->sets.n; i++)
		keep_expr(s, set->sets.v[i].expr);
	for (size_t i = 0; i < set->windows.n; i++)
		keep_time(s, set->windows.v[i].when);
	for (size_t i = 0; i < set->policies.n; i++) {
		keep_time(s, set->policies.v[i].during);
		for (size_t k = 0; k < set->policies.v[i].excepts.n; k++)
			keep_time(s, set->policies.v[i].excepts.v[k].during);
	}
	for (size_t i = 0; i < set->exempts.n; i++)
		keep_time(s, set->exempts.v[i].during);
}

static void remove_directory(const char *path)
{
	DIR *d = opendir(path);
	struct dirent *e;

	if (!d)
		return;
	while ((e = readdir(d)))
		if (strcmp(e->d_name, ".") && strcmp(e->d_name, ".."))
			unlinkat(dirfd(d), e->d_name, 0);
	closedir(d);
	rmdir(path);
}

static int replace_directory(const char *fresh, const char *final)
{
	if (rename(fresh, final) == 0)
		return 0;
	if (errno != ENOTEMPTY && errno != EEXIST)
		return -errno;
	if (renameat2(AT_FDCWD, fresh, AT_FDCWD, final, RENAME_EXCHANGE) < 0)
		return -errno;
	remove_directory(fresh);
	return 0;
}

int last_good_save(const char *state_dir, struct policy_set *set)
{
	_cleanup_free_ char *fresh = xprintf("%s/last-good.new", state_dir);
	_cleanup_free_ char *final = xprintf("%s/last-good", state_dir);
	_cleanup_free_ char *conf = xprintf("%s/curfew.conf", fresh);
	struct saving s = { .fresh = fresh, .final = final };
	_cleanup_buf_ struct buf text = { 0 };

	remove_directory(fresh);
	if (mkdir(fresh, 0700) < 0)
		return -errno;
	keep_everything(&s, set);
	policy_print(set, &text);
	for (size_t i = s.swaps.n; i-- > 0;) {
		free(*s.swaps.v[i].place);
		*s.swaps.v[i].place = s.swaps.v[i].was;
	}
	free(s.swaps.v);
	if (s.r == 0)
		s.r = write_file(conf, &text);
	if (s.r == 0)
		s.r = replace_directory(fresh, final);
	if (s.r < 0)
		remove_directory(fresh);
	return s.r;
}

int last_good_path(const char *state_dir, char **ret)
{
	char *path = xprintf("%s/last-good/curfew.conf", state_dir);

	if (access(path, R_OK) < 0) {
		int r = -errno;

		free(path);
		return r;
	}
	*ret = path;
	return 0;
}

/* ---- not confirmed ---------------------------------------------------- */

static char *unconfirmed_path(const char *state_dir)
{
	return xprintf("%s/unconfirmed.conf", state_dir);
}

int unconfirmed_save(const char *state_dir, const struct policy_set *set)
{
	_cleanup_free_ char *path = unconfirmed_path(state_dir);
	_cleanup_buf_ struct buf text = { 0 };

	policy_print(set, &text);
	return write_file(path, &text);
}

bool unconfirmed_is(const char *state_dir, const struct policy_set *set)
{
	_cleanup_free_ char *path = unconfirmed_path(state_dir), *kept = NULL;
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	_cleanup_buf_ struct buf text = { 0 };
	ssize_t n;

	if (fd < 0)
		return false;
	policy_print(set, &text);
	kept = xcalloc(1, text.n + 1);
	n = read(fd, kept, text.n + 1);
	return n >= 0 && (size_t)n == text.n && !memcmp(kept, buf_text(&text), text.n);
}

void unconfirmed_forget(const char *state_dir)
{
	_cleanup_free_ char *path = unconfirmed_path(state_dir);

	unlink(path);
}
