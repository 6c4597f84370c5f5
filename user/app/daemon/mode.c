/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `mode`: the global mode by hand, until the file is read again. */
#include <string.h>

#include "app/daemon/books.h"
#include "app/daemon/parts.h"
#include "app/show/json_util.h"
#include "base/buf.h"
#include "base/log.h"
#include "core/policy/words.h"

static const char *mode_name(enum mode mode)
{
	return mode == MODE_ENFORCE ? "enforce" : "observe";
}

void daemon_mode_status(const struct daemon *d, json_t *status)
{
	json_object_set_new(status, "mode",
			    json_string(d->now.image->observe ? "observe" : "enforce"));
	json_object_set_new(status, "mode_of_file",
			    d->now.mode_by_hand ? json_string(mode_name(d->now.mode_of_file))
						: json_null());
}

static int set_mode(struct daemon *d, enum mode mode, const struct callers *callers,
		    struct buf *warnings, char **ret_error)
{
	enum mode before = d->now.set->mode;
	enum mode of_file = d->now.mode_by_hand ? d->now.mode_of_file : before;
	int r;

	if (d->unconfirmed.waiting)
		return request_fail(ret_error, EXIT_DEGRADED,
				    "a configuration waits for 'curfew confirm'");
	if ((mode == MODE_ENFORCE) == !d->now.image->observe)
		return 0;
	d->now.set->mode = mode;
	r = daemon_recompile_warned(d, "the mode was changed by hand", callers, warnings,
				    ret_error);
	if (r) {
		d->now.set->mode = before;
		return r;
	}
	d->now.mode_of_file = of_file;
	d->now.mode_by_hand = (of_file == MODE_ENFORCE) != (mode == MODE_ENFORCE);
	return 0;
}

int request_mode(struct daemon *d, const struct peer *peer, const json_t *args, json_t **ret_reply,
		 char **ret_error)
{
	const char *word = json_get_text(args, "mode");
	int mode = word ? word_value(words_modes, word, strlen(word)) : -1;
	_cleanup_buf_ struct buf warnings = { 0 };
	struct callers callers;
	int r;

	if (mode < 0)
		return request_fail(ret_error, EXIT_USAGE, "a mode is observe or enforce");
	r = set_mode(d, (enum mode)mode, guard_callers_arg(args, &callers), &warnings, ret_error);
	if (r) {
		log_warning("uid %u: mode %s refused\n%s", peer->uid, word, *ret_error);
		return r;
	}
	log_notice("uid %u: mode %s by hand", peer->uid, word);
	*ret_reply = json_pack("{s:I, s:s}", "generation", (json_int_t)d->now.generation,
			       "warnings", buf_text(&warnings));
	daemon_mode_status(d, *ret_reply);
	return 0;
}
