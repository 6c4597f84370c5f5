/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the daemon itself has to tell: on the log, and as an alert for those who read these. */
#include "app/daemon/alerts.h"
#include "app/daemon/parts.h"
#include "base/log.h"

void daemon_tell(struct daemon *d, enum alert_kind kind, enum cf_level level, char *story)
{
	struct alert a = {
		.kind = kind,
		.level = level,
		.verdict = ALERT_PASSED,
		.at = daemon_now(d),
		.story = story,
	};

	log_line(level == CF_LEVEL_CRITICAL  ? LOG_LEVEL_CRITICAL
		 : level == CF_LEVEL_WARNING ? LOG_LEVEL_WARNING
					     : LOG_LEVEL_NOTICE,
		 "%s", story);
	if (d->alerts)
		alert_log_add(d->alerts, &a, d->zone);
	alert_done(&a);
}
