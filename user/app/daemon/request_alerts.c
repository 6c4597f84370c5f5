/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `alerts`: what the log has kept. */
#include "app/daemon/alerts.h"
#include "app/daemon/books.h"

#define ROWS_DEFAULT 20

int request_alerts(struct daemon *d, const struct peer *peer _unused_, const json_t *args,
		   json_t **ret_reply, char **ret_error)
{
	uint64_t id = json_get_count(args, "id"), n = json_get_count(args, "n");
	json_t *list, *one;

	if (id) {
		one = alert_log_find(d->alerts, id);
		if (!one)
			return request_fail(ret_error, EXIT_DEGRADED,
					    "there is no alert %llu (the newest %d are kept)",
					    (unsigned long long)id, ALERTS_KEPT);
		list = json_array();
		json_array_append(list, one);
	} else {
		list = alert_log_list(d->alerts, n ? n : ROWS_DEFAULT,
				      json_get_count(args, "after"));
	}
	*ret_reply = json_pack("{s:o, s:o, s:o, s:o}", "rows", list, "newest",
			       json_count(alert_log_newest(d->alerts)), "suppressed",
			       json_count(alert_seen_suppressed(d->books->seen)), "sinks",
			       alert_log_sinks(d->alerts));
	return 0;
}
