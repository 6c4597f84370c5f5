/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What bpf/failing.h makes of a verdict, in plain C. */
#include "core/policy/failing.h"
#include "core/image/image.h"
#include "core/report/reason.h"

static enum cf_fail worse(enum cf_fail a, enum cf_fail b)
{
	return a > b ? a : b;
}

enum cf_fail image_failing(const struct image *img, struct utc at)
{
	enum cf_fail fail = CF_FAIL_KEEP;

	if (img->geo_missing)
		fail = failing_find(ON_GEO_MISSING, img->on[ON_GEO_MISSING])->fail;
	if (at.s >= img->end.s)
		fail = worse(fail, failing_find(ON_SCHEDULE_END, img->on[ON_SCHEDULE_END])->fail);
	return fail;
}

struct image_verdict image_judge_failing(const struct image *img, const struct image_packet *p,
					 struct image_verdict v)
{
	enum cf_fail fail = worse(p->failing, image_failing(img, p->at));
	bool drop = CF_DROP_REASONS >> v.reason & 1;

	if (reason_infos[v.reason].group != REASON_GROUP_PASS &&
	    reason_infos[v.reason].group != REASON_GROUP_DROP)
		return v;
	if (fail == CF_FAIL_CLOSED && !img->observe && v.reason != CF_REASON_PASS_PROTECTED)
		return (struct image_verdict){ .reason = CF_REASON_DROP_FAILED_CLOSED,
					       .rule = ~0U,
					       .open = v.open };
	if (drop && fail == CF_FAIL_OPEN)
		v.reason = CF_REASON_PASS_FAILED_OPEN;
	if (drop && fail == CF_FAIL_OBSERVE)
		v.reason = CF_REASON_PASS_OBSERVED;
	return v;
}
