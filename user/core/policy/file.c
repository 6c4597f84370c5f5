/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The files a policy set is made of: paths, includes, and the entry to parsing. */
#include <errno.h>
#include <string.h>

#include "core/policy/parse.h"

static char *directory_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return xstrndup(path, slash ? (size_t)(slash - path + 1) : 0);
}

char *parse_path(const struct parser *p, const char *path)
{
	return xprintf("%s%s", *path == '/' || !p->dir ? "" : p->dir, path);
}

char *policy_set_path(const struct policy_set *set, const char *path)
{
	_cleanup_free_ char *root = directory_of(set->files.n ? set->files.v[0] : "");

	return xprintf("%s%s", *path == '/' ? "" : root, path);
}

/* ---- policy files -------------------------------------------------------------- */

static int cannot_read(struct parser *p, struct pos at, const char *path, int err)
{
	if (at.line)
		return parse_error(
			p, at,
			strstr(path, "://") ? "files are local: fetch it, then include that" : NULL,
			"cannot read %s: %s", path, strerrordesc_np(-err));
	diag_add(p->diags, p->set, DIAG_ERROR, at, NULL, "cannot read it: %s",
		 strerrordesc_np(-err));
	return -EINVAL;
}

static void begin(struct parser *p, const char *text, size_t n, uint32_t file)
{
	lex_init(&p->lex, text, n, file);
	p->tok = (struct token){ 0 };
	p->next = (struct token){ 0 };
	parse_advance(p);
	parse_advance(p);
}

int parse_file(struct parser *p, const char *path, struct pos at)
{
	struct policy_text text = { 0 };
	char *dir, *outer_dir = p->dir;
	struct lexer lex = p->lex;
	struct token tok = p->tok, next = p->next;
	size_t root = strlen(p->root);
	uint32_t file = (uint32_t)p->set->files.n;
	int r;

	r = p->io->read_file(p->io->arg, path, &text.s, &text.n);
	if (r < 0 && at.line)
		return cannot_read(p, at, path, r);
	*VEC_ADD(&p->set->files) = xstrdup(path);
	if (r < 0)
		text = (struct policy_text){ 0 };
	*VEC_ADD(&p->set->texts) = text;
	if (r < 0)
		return cannot_read(p, at, path, r);
	dir = directory_of(path);
	/* the first file's directory goes without saying; one outside it is said in full */
	if (root && !strncmp(dir, p->root, root))
		memmove(dir, dir + root, strlen(dir + root) + 1);
	p->dir = dir;
	*VEC_ADD(&p->open) = p->set->files.v[file];
	begin(p, text.s ? text.s : "", text.n, file);
	parse_statements(p, "a policy file", parse_top_statements, parse_top_rows, p->seen,
			 (struct pos){ 0 }, NULL);
	p->open.n--;
	p->dir = outer_dir;
	free(dir);
	p->lex = lex;
	p->tok = tok;
	p->next = next;
	return 0;
}

static int include_one(struct parser *p, struct pos pos, const char *path)
{
	for (size_t i = 0; i < p->open.n; i++)
		if (!strcmp(p->open.v[i], path))
			return parse_error(p, pos, NULL, "%s would include itself", path);
	for (size_t i = 0; i < p->set->files.n; i++)
		if (!strcmp(p->set->files.v[i], path))
			return parse_error(p, pos, NULL, "%s is included already", path);
	if (p->open.n >= PARSE_INCLUDES_MAX)
		return parse_error(p, pos, NULL, "includes are nested too deep");
	return parse_file(p, path, pos);
}

int parse_include(struct parser *p, struct pos pos _unused_, void *obj _unused_)
{
	_cleanup_free_ char *pattern = NULL, *seen = NULL, *full = NULL;
	struct pos at = p->tok.pos;
	char **paths = NULL;
	bool is_pattern;
	int r;

	if (parse_string(p, "a path in quotes", NULL, &pattern) < 0)
		return -EINVAL;
	seen = parse_path(p, pattern);
	full = xprintf("%s%s", *seen == '/' ? "" : p->root, seen);
	is_pattern = full[strcspn(full, "*?[")];
	r = p->io->glob ? p->io->glob(p->io->arg, full, &paths) : -ENOSYS;
	if (r < 0 || !paths || (!paths[0] && !is_pattern)) {
		free(paths);
		p->incomplete = true;
		return cannot_read(p, at, full, r < 0 ? r : -ENOENT);
	}
	if (!paths[0])
		diag_add(p->diags, p->set, DIAG_WARNING, at,
			 "a relative path counts from the directory of this file",
			 "no file matches %s: nothing is included", full);
	for (char **path = paths; *path; path++) {
		if (include_one(p, at, *path) < 0)
			p->incomplete = true;
		free(*path);
	}
	free(paths);
	return 0;
}

/* ---- the entry ------------------------------------------------------------------- */

static void parser_done(struct parser *p)
{
	free(p->open.v);
	free(p->root);
}

int policy_parse(const struct policy_io *io, const char *path, struct policy_set **ret_set,
		 struct diag_list *diags)
{
	_cleanup_policy_set_ struct policy_set *set = xcalloc(1, sizeof(*set));
	struct parser p = {
		.io = io, .set = set, .diags = diags, .errors_before = diag_errors(diags)
	};
	size_t first = diags->n;

	p.root = directory_of(path);
	set->site.weekend = 1 << 5 | 1 << 6;
	if (parse_file(&p, path, (struct pos){ 0 }) == 0)
		policy_resolve(&p);
	parser_done(&p);
	/* read-ahead and name resolution report out of order */
	diag_sort(diags, first);
	if (diag_errors(diags) > p.errors_before)
		return -EINVAL;
	*ret_set = TAKE(set);
	return 0;
}

int policy_parse_expr_text(const char *text, bool is_from, const struct policy_set *names,
			   struct expr **ret, struct diag_list *diags)
{
	_cleanup_policy_set_ struct policy_set *set = xcalloc(1, sizeof(*set));
	struct parser p = { .set = set, .diags = diags, .errors_before = diag_errors(diags) };
	struct expr *e = NULL;
	size_t first = diags->n;

	*VEC_ADD(&set->files) = xstrdup("argument");
	*VEC_ADD(&set->texts) = (struct policy_text){ xstrdup(text), strlen(text) };
	begin(&p, set->texts.v[0].s, set->texts.v[0].n, 0);
	if (parse_expr(&p, is_from ? SIDE_FROM : SIDE_TO, &e) == 0 && p.tok.kind != T_EOF)
		parse_expected(&p, "the end",
			       "several are separated by commas: country CN, 192.0.2.0/24");
	if (diag_errors(diags) == p.errors_before) {
		p.names = names;
		policy_resolve_expr(&p, e, is_from);
	}
	parser_done(&p);
	diag_sort(diags, first);
	if (diag_errors(diags) > p.errors_before) {
		expr_free(e);
		return -EINVAL;
	}
	*ret = e;
	return 0;
}
