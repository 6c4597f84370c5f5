/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From a request's verb to its function: rights, errors, the shape of replies. */
#include <string.h>

#include "app/daemon/parts.h"
#include "base/buf.h"

static const struct request *const tables[] = { requests_state, requests_manual, requests_ledger };

static const struct request *find(const char *verb)
{
	for (size_t t = 0; t < ARRAY_SIZE(tables); t++)
		for (const struct request *r = tables[t]; r->verb; r++)
			if (!strcmp(r->verb, verb))
				return r;
	return NULL;
}

static json_t *failure(int code, const char *text)
{
	return json_pack("{s:s, s:i}", "error", text, "code", code);
}

json_t *daemon_request(void *arg, const struct peer *peer, const json_t *request)
{
	const char *verb = json_string_value(json_object_get(request, "verb"));
	const json_t *args = json_object_get(request, "args");
	const struct request *found = verb ? find(verb) : NULL;
	_cleanup_free_ char *error = NULL;
	json_t *reply = NULL;
	int r;

	if (!found)
		return failure(EXIT_USAGE,
			       "the daemon does not know this request: is it another version?");
	if (found->changes && peer->uid != 0)
		return failure(EXIT_NOT_PERMITTED, "not permitted: only root changes things");
	if (args && !json_is_object(args))
		return failure(EXIT_USAGE, "args is no object");
	r = found->fn(arg, peer, args, &reply, &error);
	if (r)
		return failure(r, error ? error : "the request failed");
	return json_pack("{s:o}", "ok", reply ? reply : json_object());
}
