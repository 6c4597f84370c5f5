/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/cpu_list.h"

#include <ctype.h>
#include <stdlib.h>

static bool number(const char **text, uint32_t *ret)
{
	unsigned long n;
	char *end;

	if (!isdigit((unsigned char)**text))
		return false;
	n = strtoul(*text, &end, 10);
	if (n > UINT32_MAX)
		return false;
	*text = end;
	*ret = (uint32_t)n;
	return true;
}

bool cpu_list_next(const char **text, uint32_t *ret_first, uint32_t *ret_last)
{
	const char *at = *text;
	uint32_t first, last;

	if (!number(&at, &first))
		return false;
	last = first;
	if (*at == '-') {
		at++;
		if (!number(&at, &last) || last < first)
			return false;
	}
	if (*at == ',')
		at++;
	else if (*at && *at != '\n')
		return false;
	*text = at;
	*ret_first = first;
	*ret_last = last;
	return true;
}
