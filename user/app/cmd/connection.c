/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "app/cmd/connection.h"

#include <stdlib.h>

#include "app/daemon/caller.h"

void connection_add(json_t *args, bool force)
{
	char client[ADDR_TEXT_MAX], server[ADDR_TEXT_MAX];
	struct caller c;

	if (force)
		json_object_set_new(args, "force", json_true());
	else if (caller_find(&c))
		json_object_set_new(args, "caller",
				    json_pack("{s:s, s:i, s:s, s:i}", "client",
					      addr_format(&c.client, client), "client_port",
					      (int)c.client_port, "server",
					      addr_format(&c.server, server), "server_port",
					      (int)c.server_port));
	/* systemd.exec(5): a unit's own command, which nobody waits for at a terminal */
	else if (getenv("INVOCATION_ID"))
		json_object_set_new(args, "logged_in", json_true());
}
