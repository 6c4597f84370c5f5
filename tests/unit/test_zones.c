/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Zones of a machine: by name, and its own. Each test makes a small root of its own. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "calendar_help.h"
#include "port/zones.h"

static char root[64];

static void put(const char *path, const void *data, size_t size)
{
	char full[256];
	FILE *f;

	snprintf(full, sizeof(full), "%s%s", root, path);
	f = fopen(full, "w");
	cr_assert(f && fwrite(data, 1, size, f) == size && fclose(f) == 0, "%s", full);
}

static void put_zone(const char *path, const char *tz)
{
	static const int32_t offset[] = { 0 };
	static const uint8_t name_at[] = { 0 };
	struct tzif_spec spec = { .version = '2',
				  .types = 1,
				  .offsets = offset,
				  .names = "-00",
				  .names_size = 4,
				  .name_at = name_at,
				  .footer = tz };
	size_t size;
	_cleanup_free_ uint8_t *data = tzif_make(&spec, &size);

	put(path, data, size);
}

static void link_to(const char *target)
{
	char full[256];

	snprintf(full, sizeof(full), "%s/etc/localtime", root);
	cr_assert_eq(symlink(target, full), 0);
}

static void make_root(void)
{
	static const char *const dirs[] = { "/etc", "/usr", "/usr/share", "/usr/share/zoneinfo",
					    "/usr/share/zoneinfo/Africa" };

	snprintf(root, sizeof(root), "/tmp/curfew-zones-XXXXXX");
	cr_assert(mkdtemp(root));
	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++) {
		char full[256];

		snprintf(full, sizeof(full), "%s%s", root, dirs[i]);
		cr_assert_eq(mkdir(full, 0755), 0);
	}
	put_zone("/usr/share/zoneinfo/Africa/Addis_Ababa", "EAT-3");
	put_zone("/usr/share/zoneinfo/EST5EDT", "EST5EDT,M3.2.0,M11.1.0");
}

static void remove_root(void)
{
	_cleanup_free_ char *command = xprintf("rm -rf '%s'", root);

	cr_assert_eq(system(command), 0);
}

TestSuite(zones, .init = make_root, .fini = remove_root);

Test(zones, by_name)
{
	_cleanup_zones_ struct zones *z = zones_new(root);
	const struct zone *a = NULL, *b = NULL;

	cr_assert_eq(zones_get(z, "Africa/Addis_Ababa", &a), 0);
	cr_assert_eq(zone_offset(a, (struct utc){ 0 }), 10800);
	/* read once: the file may go */
	put("/usr/share/zoneinfo/Africa/Addis_Ababa", "", 0);
	cr_assert_eq(zones_get(z, "Africa/Addis_Ababa", &b), 0);
	cr_assert_eq(a, b);
	cr_assert_eq(zones_get(z, "EST5EDT", &b), 0);
	cr_assert_neq(a, b);
}

Test(zones, what_is_no_name_is_not_opened)
{
	static const char *const bad[] = { "",
					   "/etc/passwd",
					   "../zoneinfo/EST5EDT",
					   "Africa/../EST5EDT",
					   "Africa//..",
					   "a..b",
					   "..",
					   ".",
					   "./EST5EDT",
					   "Africa/.hidden",
					   "Africa/",
					   "a b",
					   "a\nb",
					   "Z\xc3\xbcrich",
					   "$HOME" };
	_cleanup_zones_ struct zones *z = zones_new(root);
	const struct zone *zone = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		cr_expect_eq(zones_get(z, bad[i], &zone), -EINVAL, "%s", bad[i]);
	cr_assert_null(zone);
}

Test(zones, what_is_missing_or_no_zone)
{
	_cleanup_zones_ struct zones *z = zones_new(root);
	const struct zone *zone = NULL;
	_cleanup_free_ char *large = xcalloc(1, 2 << 20);
	_cleanup_free_ char *fifo = xprintf("%s/usr/share/zoneinfo/fifo", root);

	put("/usr/share/zoneinfo/zone.tab", "# text", 6);
	put("/usr/share/zoneinfo/large", large, 2 << 20);
	cr_assert_eq(mkfifo(fifo, 0600), 0);
	cr_assert_eq(zones_get(z, "Africa/Atlantis", &zone), -ENOENT);
	cr_assert_eq(zones_get(z, "Africa", &zone), -ENOENT);
	cr_assert_eq(zones_get(z, "EST5EDT/x", &zone), -ENOENT);
	cr_assert_eq(zones_get(z, "fifo", &zone), -ENOENT);
	cr_assert_eq(zones_get(z, "zone.tab", &zone), -EINVAL);
	cr_assert_eq(zones_get(z, "large", &zone), -EFBIG);
	cr_assert_null(zone);
}

Test(zones, utc_needs_no_file)
{
	_cleanup_zones_ struct zones *z = zones_new(root);
	const struct zone *zone = NULL;

	cr_assert_eq(zones_get(z, "UTC", &zone), 0);
	cr_assert_eq(zone_offset(zone, (struct utc){ 0 }), 0);
	cr_assert_eq(zones_get(z, "Etc/UTC", &zone), 0);
}

static void expect_local(const char *name, int32_t offset)
{
	_cleanup_zones_ struct zones *z = zones_new(root);
	const struct zone *zone = NULL;
	const char *found = "untouched";

	cr_assert_eq(zones_local(z, &zone, &found), 0);
	cr_assert_eq(zone_offset(zone, (struct utc){ 0 }), offset);
	if (name)
		cr_assert_str_eq(found, name);
	else
		cr_assert_null(found);
}

Test(zones, the_machine_s_own_by_link)
{
	link_to("/usr/share/zoneinfo/Africa/Addis_Ababa");
	expect_local("Africa/Addis_Ababa", 10800);
}

Test(zones, the_machine_s_own_by_relative_link)
{
	link_to("../usr/share/zoneinfo/EST5EDT");
	expect_local("EST5EDT", -18000);
}

Test(zones, the_machine_s_own_by_copy)
{
	put_zone("/etc/localtime", "EAT-3");
	expect_local(NULL, 10800);
	put("/etc/timezone", "EST5EDT\n", 8);
	expect_local(NULL, 10800); /* another zone's name */
	put("/etc/timezone", "Africa/Addis_Ababa\n", 19);
	expect_local("Africa/Addis_Ababa", 10800);
}

Test(zones, no_localtime_is_utc)
{
	expect_local("UTC", 0);
}

Test(zones, a_link_to_nowhere_is_an_error)
{
	_cleanup_zones_ struct zones *z = zones_new(root);
	struct zone_source source = zones_source(z);
	const struct zone *zone = NULL;

	link_to("/usr/share/zoneinfo/Africa/Atlantis");
	cr_assert_eq(zones_local(z, &zone, NULL), -ENOENT);
	cr_assert_null(zone);
	cr_assert_null(source.get(source.arg, NULL));
}

Test(zones, as_core_asks)
{
	_cleanup_zones_ struct zones *z = zones_new(root);
	struct zone_source s = zones_source(z);
	struct utc now = { 0 };

	link_to("/usr/share/zoneinfo/EST5EDT");
	cr_assert_eq(zone_offset(s.get(s.arg, NULL), now), -18000);
	cr_assert_eq(zone_offset(s.get(s.arg, "Africa/Addis_Ababa"), now), 10800);
	cr_assert_null(s.get(s.arg, "Africa/Atlantis"));
	cr_assert_null(s.get(s.arg, "../../etc/passwd"));
	zones_set_site(z, "Africa/Addis_Ababa");
	cr_assert_eq(zone_offset(s.get(s.arg, NULL), now), 10800);
	zones_set_site(z, NULL);
	cr_assert_eq(zone_offset(s.get(s.arg, NULL), now), -18000);
}
