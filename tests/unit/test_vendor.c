/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names of vendors, and which MAC addresses are theirs. */
#include <criterion/criterion.h>
#include <string.h>

#include "core/geo/vendor.h"

static const char oui[] =
	"Registry,Assignment,Organization Name,Organization Address\r\n"
	"MA-L,02CA01,\"Hangzhou Kamera Digital Technology Co.,Ltd.\",Hangzhou CN\r\n"
	"MA-L,02CA00,\"Hangzhou Kamera Digital Technology Co.,Ltd.\",\"No. 1, Road\r\n"
	"2, Hangzhou CN \"\r\n"
	"MA-L,02FF00,IEEE Registration Authority,445 Hoes Lane\r\n"
	"MA-L,02AB12,\"The \"\"Quoted\"\" Printer Works  \",Somewhere\r\n"
	"MA-L,02AB13,Kameralux AG,Bern CH\r\n"
	"MA-L,02AB1,Too Short,Nowhere\r\n"
	"MA-L,02AB1G,No Number,Nowhere\r\n"
	"MA-L,02AB14,,Nobody\r\n"
	"MA-L,02AB15"; /* cut short */
static const char mam[] = "MA-M,02FF001,Middle Sensors GmbH,Berlin DE\n";
static const char oui36[] = "MA-S,02FF00102,Small Kamera Ltd,Leeds GB\n"
			    "IAB,02FF00FFF,Small Kamera Ltd,Leeds GB\n";

static struct vendors v;

static void setup(void)
{
	cr_assert_eq(vendors_add(&v, oui, sizeof(oui) - 1), 5);
	cr_assert_eq(vendors_add(&v, mam, sizeof(mam) - 1), 1);
	cr_assert_eq(vendors_add(&v, oui36, sizeof(oui36) - 1), 2);
	vendors_ready(&v);
}

static void done(void)
{
	vendors_done(&v);
}

TestSuite(vendor, .init = setup, .fini = done);

static bool owns(const char *words, uint64_t mac)
{
	struct mac_range_list l = { 0 };
	bool found = false;

	vendors_find(&v, words, &l);
	for (size_t i = 0; i < l.n; i++)
		found |= mac >= l.v[i].first && mac <= l.v[i].last;
	free(l.v);
	return found;
}

static size_t blocks(const char *words)
{
	struct mac_range_list l = { 0 };
	size_t n = vendors_find(&v, words, &l);

	free(l.v);
	return n;
}

static const char *near(const char *words)
{
	static struct buf b;

	b.n = 0;
	vendors_near(&v, words, &b);
	return b.n ? buf_text(&b) : "";
}

Test(vendor, is_found_by_whole_words_in_any_case)
{
	cr_expect_eq(blocks("Kamera"), 4);
	cr_expect_eq(blocks("kAMERA"), 4);
	cr_expect_eq(blocks("hangzhou kamera"), 2);
	cr_expect_eq(blocks("Hangzhou Kamera Digital Technology Co.,Ltd."), 2);
	cr_expect_eq(blocks("Kameralux"), 1);
	cr_expect_eq(blocks("The \"Quoted\" Printer Works"), 1);
	cr_expect_eq(blocks("amera"), 0);
	cr_expect_eq(blocks("Kam"), 0);
	cr_expect_eq(blocks(""), 0);
}

Test(vendor, a_mac_belongs_to_the_longest_block)
{
	cr_expect(owns("IEEE", 0x02ff00000000));
	cr_expect(owns("IEEE", 0x02ff000fffff));
	cr_expect_not(owns("IEEE", 0x02ff00100000));
	cr_expect_not(owns("IEEE", 0x02ff001fffff));
	cr_expect(owns("IEEE", 0x02ff00200000));
	cr_expect(owns("IEEE", 0x02ff00ffefff));
	cr_expect_not(owns("IEEE", 0x02ff00fff000));
	cr_expect(owns("Sensors", 0x02ff00101fff));
	cr_expect_not(owns("Sensors", 0x02ff00102000));
	cr_expect(owns("Sensors", 0x02ff00103000));
	cr_expect(owns("Kamera", 0x02ff00102000));
	cr_expect(owns("Kamera", 0x02ff00fff000));
	cr_expect(owns("Kamera", 0x02ff00ffffff));
	cr_expect_not(owns("Kamera", 0x02ff01000000));
}

Test(vendor, one_that_is_called_nearly_so_is_named)
{
	cr_expect_str_eq(near("Kamrea"), "did you mean 'Kamera'? There is "
					 "'Hangzhou Kamera Digital Technology Co.,Ltd.', "
					 "'Small Kamera Ltd'");
	cr_expect_str_eq(near("Kameral"), "did you mean 'Kamera'? There is "
					  "'Hangzhou Kamera Digital Technology Co.,Ltd.', "
					  "'Small Kamera Ltd'");
	cr_expect_str_eq(near("Regis"), "there is 'IEEE Registration Authority'");
	cr_expect_str_eq(near("Zyxwvut"), "");
}
