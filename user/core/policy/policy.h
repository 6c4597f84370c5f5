/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A policy set as written: the tree that the parser makes, the printer prints
 * and the checker and compiler read. Language: docs/policy.md. Nothing here
 * knows addresses of this machine, databases, or the clock.
 *
 * Everything is owned by the struct policy_set; policy_set_free() frees it.
 */
#ifndef CURFEW_CORE_POLICY_POLICY_H
#define CURFEW_CORE_POLICY_POLICY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/buf.h"
#include "curfew/abi.h"

/* Line and column count from 1; columns are bytes; file is an index into policy_set.files. */
struct pos {
	uint32_t file;
	uint32_t line;
	uint32_t col;
};

/* ---- who and where to ------------------------------------------------ */

enum atom_kind {
	ATOM_ANY,
	ATOM_INSIDE,
	ATOM_GATEWAY,
	ATOM_PREFIX,    /* prefix */
	ATOM_SET,       /* text: name; set: index once resolved */
	ATOM_MAC,       /* mac */
	ATOM_VENDOR,    /* text */
	ATOM_INTERFACE, /* text */
	ATOM_VLAN,      /* number */
	ATOM_COUNTRY,   /* text: two capitals */
	ATOM_CONTINENT, /* text: AF AN AS EU NA OC SA */
	ATOM_ASN,       /* number */
	ATOM_CITY,      /* text, cc */
	ATOM_BEYOND,    /* number: km */
	ATOM_UNKNOWN,
	ATOM_FILE, /* text: path as written; prefixes: its content, filled by the loader. Sets only
		    */
};

struct prefix_list {
	struct prefix *v;
	size_t n, cap;
};

struct atom {
	enum atom_kind kind;
	struct prefix prefix;
	uint32_t number;
	uint32_t set;
	uint8_t mac[6];
	char cc[4];
	char *text; /* paths: relative ones count from the first file's directory */
	struct prefix_list prefixes;
};

/* expr = term { "," term } [ "except" term { "," term } ]; term = atom { "and" atom } */
enum expr_op { EXPR_ATOM, EXPR_AND, EXPR_OR, EXPR_EXCEPT };
struct expr {
	enum expr_op op;
	struct pos pos;
	struct atom atom; /* EXPR_ATOM */
	struct expr **v;  /* else; EXPR_EXCEPT has two: what, and what is taken out */
	size_t n, cap;
};

/* service tcp/443, udp/53, tcp/8000-8100, icmp, proto 50 */
struct service {
	struct pos pos;
	uint8_t protocol;
	bool has_port;
	uint16_t port_first;
	uint16_t port_last;
};
struct service_list {
	struct service *v;
	size_t n, cap;
};

enum initiated { INITIATED_ANY, INITIATED_INSIDE, INITIATED_OUTSIDE };

/* ---- time ------------------------------------------------------------- */

/* Civil, no zone. */
struct civil_date {
	int16_t year;
	uint8_t month; /* 1-12 */
	uint8_t day;   /* 1-31 */
};

enum time_op {
	TIME_ALWAYS,
	TIME_SPAN,     /* days, from, until: "daily 22:00-06:00", "mon-fri 08:00-17:30" */
	TIME_WINDOW,   /* text: name; window: index once resolved */
	TIME_WEEKENDS, /* whole days of site.weekend */
	TIME_WEEKDAYS, /* the other days */
	TIME_DATES,    /* dates: whole days, "dates 2026-12-25, 2026-12-31..2027-01-02" */
	TIME_FILE,     /* text: path; dates: its content, filled by the loader */
	TIME_BETWEEN,  /* "from 2026-12-01 16:00 until 2026-12-02" */
	TIME_AND,
	TIME_OR,
	TIME_EXCEPT, /* two children */
};
struct date_range {
	struct civil_date first;
	struct civil_date last; /* inclusive */
};
struct date_list {
	struct date_range *v;
	size_t n, cap;
};
struct civil_minute {
	struct civil_date date;
	uint16_t minute; /* of the day, 0-1439 */
};
struct time_expr {
	enum time_op op;
	struct pos pos;
	uint8_t days;   /* bit 0 Monday … bit 6 Sunday */
	uint16_t from;  /* minute of the day */
	uint16_t until; /* minute of the day, 1-1440; at or before `from`: of the next day */
	struct civil_minute begin, end;
	uint32_t window;
	char *text;
	struct date_list dates;
	struct time_expr **v;
	size_t n, cap;
};

struct window {
	struct pos pos;
	char *name;
	char *zone; /* IANA name; NULL: the site's */
	struct pos zone_pos;
	struct time_expr *when;
};

/* ---- rules ------------------------------------------------------------ */

enum period_kind {
	PERIOD_WINDOW,
	PERIOD_HOUR,
	PERIOD_DAY,
	PERIOD_WEEK,
	PERIOD_MONTH,
	PERIOD_HOURS
};

struct quota {
	struct pos pos;
	uint64_t bytes;
	bool wire;
	enum cf_key_kind key;
	struct pos key_pos;
	uint8_t prefix4, prefix6; /* per prefix 24/48 */
	enum period_kind period;
	struct pos period_pos;
	uint8_t month_day; /* each month from N; 1 */
	uint16_t hours;    /* PERIOD_HOURS: N h */
};

struct rate {
	struct pos pos;
	uint64_t bits_per_second;
	uint64_t burst_bytes; /* 0: not given */
	enum cf_key_kind key;
	struct pos key_pos;
	uint8_t prefix4, prefix6;
};

struct actions {
	bool drop;
	uint64_t drop_seconds;       /* drop for; 0: plain */
	uint64_t quarantine_seconds; /* 0: none */
	enum cf_level alert;
	bool has_mark;
	uint32_t mark;
	struct pos drop_pos, quarantine_pos, mark_pos; /* line 0: not written */
};

struct at {
	struct pos pos;
	uint16_t percent;
	struct actions actions;
};

struct except {
	struct pos pos;
	struct expr *from, *to; /* NULL: any */
	struct service_list services;
	enum initiated initiated;
	struct pos initiated_pos;
	struct time_expr *during;
};

struct quota_list {
	struct quota *v;
	size_t n, cap;
};
struct rate_list {
	struct rate *v;
	size_t n, cap;
};
struct at_list {
	struct at *v;
	size_t n, cap;
};
struct except_list {
	struct except *v;
	size_t n, cap;
};

enum mode { MODE_UNSET, MODE_OBSERVE, MODE_ENFORCE };

struct policy {
	struct pos pos;
	char *name;
	struct expr *from;            /* required */
	struct expr *to;              /* NULL: any */
	struct service_list services; /* none: every */
	enum initiated initiated;
	struct pos initiated_pos;
	struct time_expr *during; /* NULL: always */
	struct quota_list quotas;
	struct rate_list rates;
	bool has_then;
	struct pos then_pos;
	struct actions then;
	struct at_list ats; /* in order of percent */
	struct except_list excepts;
	enum mode mode;
};

struct protect {
	struct pos pos;
	char *name; /* may be NULL */
	struct expr *from, *to;
	struct service_list services;
};

struct exempt {
	struct pos pos;
	char *name; /* may be NULL */
	struct expr *from, *to;
	struct service_list services;
	struct {
		char **v;
		size_t n, cap;
	} policies; /* names; none: all */
	struct {
		struct pos *v;
		size_t n, cap;
	} policies_at; /* where each of them is written */
	struct time_expr *during;
	bool has_until;
	struct pos until_pos;
	struct civil_minute until; /* in the site's zone */
};

struct publish {
	struct pos pos;
	char *name;
	struct prefix host;
	struct pos host_pos;
	struct service_list services;
	bool has_quota;
	struct quota quota; /* at most … */
};

struct set {
	struct pos pos;
	char *name;
	struct expr *expr;
};

/* ---- the rest --------------------------------------------------------- */

struct site {
	struct pos pos;
	char *name;
	bool has_location;
	struct pos location_pos;
	double latitude, longitude; /* degrees, WGS 84 */
	char *timezone;             /* IANA name; NULL: the machine's */
	struct pos timezone_pos;
	uint8_t weekend; /* as time_expr.days; default saturday, sunday */
};

enum geo_kind { GEO_COUNTRY, GEO_ASN, GEO_CITY };
struct geo_file {
	struct pos pos;
	enum geo_kind kind;
	char *path; /* as written */
};

struct name_at {
	struct pos pos;
	char *name;
	bool xdp_never; /* of an inside interface */
};
struct name_list {
	struct name_at *v;
	size_t n, cap;
};

/* ignore destination EXPR */
struct ignore {
	struct pos pos;
	struct expr *to;
};

enum detect_kind { DETECT_SCHEDULE, DETECT_NEW_DESTINATION };
struct detect {
	struct pos pos;
	enum detect_kind kind;
	bool has_key;
	enum cf_key_kind key;
	uint64_t at_least_bytes;
	uint32_t new_after_days;
};

/* "on EVENT CHOICE"; indices into one table in words.c */
enum on_event {
	ON_DAEMON_STALL,
	ON_SCHEDULE_END,
	ON_TIME_UNKNOWN,
	ON_TABLE_FULL,
	ON_PARSE_FAILURE,
	ON_GEO_MISSING,
	ON_STOP,
	ON_DISPLACED, /* another program has gone before ours; unset: retake */
	ON_MAX
};
enum on_choice {
	CHOICE_UNSET,
	CHOICE_KEEP,
	CHOICE_OBSERVE,
	CHOICE_OPEN,
	CHOICE_CLOSED,
	CHOICE_REPEAT,
	CHOICE_COUNT,
	CHOICE_DROP,
	CHOICE_RELEASE,
	CHOICE_RETAKE,
	CHOICE_REPORT,
	CHOICE_MAX
};

/* What a policy file says, kept for the lines that diagnostics quote. */
struct policy_text {
	char *s; /* NULL for set and date files */
	size_t n;
};

struct policy_set {
	struct {
		char **v; /* paths, as errors name them; the first is the one that was asked for */
		size_t n, cap;
	} files;
	struct {
		struct policy_text *v;
		size_t n, cap;
	} texts; /* of files, same index */
	struct site site;
	struct name_list inside, outside; /* interfaces */
	struct pos networks_pos;
	struct prefix_list networks;
	struct {
		struct ignore *v;
		size_t n, cap;
	} ignores; /* destinations that are never judged */
	struct {
		struct geo_file *v;
		size_t n, cap;
	} geo;
	struct {
		struct set *v;
		size_t n, cap;
	} sets;
	struct {
		struct window *v;
		size_t n, cap;
	} windows;
	struct {
		struct policy *v;
		size_t n, cap;
	} policies;
	struct {
		struct protect *v;
		size_t n, cap;
	} protects;
	struct {
		struct exempt *v;
		size_t n, cap;
	} exempts;
	struct {
		struct publish *v;
		size_t n, cap;
	} publishes;
	struct {
		struct detect *v;
		size_t n, cap;
	} detects;
	struct {
		enum on_choice choice;
		struct pos pos;
	} on[ON_MAX];
	struct {
		bool journal;
		struct name_list files;
		struct pos pos;
		bool given;
	} alert_to;
	enum mode mode; /* UNSET means observe */
	struct pos mode_pos;
};

void policy_set_free(struct policy_set *set);
static inline void policy_set_free_p(struct policy_set **set)
{
	policy_set_free(*set);
}
#define _cleanup_policy_set_ _cleanup_(policy_set_free_p)

/* ---- diagnostics ------------------------------------------------------ */

enum diag_level {
	DIAG_ERROR,
	DIAG_WARNING,
	DIAG_NOTE, /* worth knowing, and nothing to mend */
	DIAG_LEVELS
};
/* "error" */
const char *diag_level_name(enum diag_level level);
struct diag {
	enum diag_level level;
	struct pos pos;
	char *message; /* "expected a quantity, found 'per'" */
	char *help;    /* what to write instead; may be NULL */
	char *file;    /* of pos.file */
	char *line;    /* the source line, for the caret; may be NULL */
};
struct diag_list {
	struct diag *v;
	size_t n, cap;
};
void diag_list_done(struct diag_list *l);
static inline void diag_list_done_p(struct diag_list *l)
{
	diag_list_done(l);
}
#define _cleanup_diag_list_ _cleanup_(diag_list_done_p)
size_t diag_count(const struct diag_list *l, enum diag_level level);
size_t diag_errors(const struct diag_list *l);
/* By file, line and column; stable. Entries before `first` stay where they are. */
void diag_sort(struct diag_list *l, size_t first);
/* "file:line:col: error: message", the line, a caret, "help: …", for each. */
void diag_print(const struct diag_list *l, struct buf *out);
/*
 * Appends a diagnostic about a place in the set; file name and source line come
 * from there. `help` may be NULL and is copied. Line 0 in `pos`: about no place.
 */
void diag_add(struct diag_list *l, const struct policy_set *set, enum diag_level level,
	      struct pos pos, const char *help, const char *fmt, ...) _printf_(6, 7);

/*
 * What the parser needs from outside: file contents. Returns 0 and a buffer
 * that the caller frees, or -errno. `path` is already relative to the
 * including file, or absolute.
 */
struct policy_io {
	int (*read_file)(void *arg, const char *path, char **ret_text, size_t *ret_size);
	/* Paths that match an include pattern, sorted; NULL-terminated, freed by the caller. */
	int (*glob)(void *arg, const char *pattern, char ***ret_paths);
	void *arg;
};

/* More errors than this are not reported in one go. */
#define POLICY_ERRORS_MAX 20

/*
 * Reads `path` and what it includes, resolves names and set files. Returns 0 and a set, or
 * -EINVAL with at least one error in `diags` (the set is then NULL). Reports
 * up to POLICY_ERRORS_MAX errors in one go.
 */
int policy_parse(const struct policy_io *io, const char *path, struct policy_set **ret_set,
		 struct diag_list *diags);

/*
 * What is written correctly but means nothing, or that this version does not
 * enforce (an error that says so), or that is likely a mistake (warnings).
 * `io` may be NULL.
 */
void policy_check(const struct policy_set *set, const struct policy_io *io,
		  struct diag_list *diags);
/*
 * Warnings that depend on the day: dates that are over, date files that end
 * within 30 days, exempts that have run out. `today` is the site's.
 */
void policy_check_dates(const struct policy_set *set, struct civil_date today,
			struct diag_list *diags);

/*
 * Are these sources named by IPv4 addresses of `networks` alone, and do those have IPv6 too
 * (*ret_network)? Then what the same hosts send by IPv6 is not met. Not where the
 * destinations are IPv4 addresses as well. Either may be NULL: any.
 */
bool policy_is_ipv4_alone(const struct policy_set *set, const struct expr *from,
			  const struct expr *to, struct prefix *ret_network);

/*
 * Warnings of interfaces that are not there, by the names of those that are. What programs
 * make when a session begins (ppp0, wg0) is only a note; and one note is enough on a machine
 * that has none of them.
 */
void policy_check_interfaces(const struct policy_set *set, const char *const *names, size_t n,
			     struct diag_list *diags);

/*
 * One expression as in `from` or `to`, for commands: `curfew block 10.0.0.5
 * "country CN"`. Names are those of `names` (NULL: none are known). Errors are
 * placed in a file called "argument". Returns 0 and an expression that the
 * caller frees, or -EINVAL with errors in `diags`.
 */
int policy_parse_expr_text(const char *text, bool is_from, const struct policy_set *names,
			   struct expr **ret, struct diag_list *diags);
/*
 * One service as in `service`, for commands: "tcp/443", "icmp"; or a protocol's number, "50".
 * -EINVAL: it is none, or a range.
 */
int service_parse_text(const char *text, struct service *ret);
void expr_free(struct expr *e);
void time_expr_free(struct time_expr *t);

/* By name; NULL if there is none. */
const struct set *policy_find_set(const struct policy_set *set, const char *name);
const struct window *policy_find_window(const struct policy_set *set, const char *name);
const struct policy *policy_find_policy(const struct policy_set *set, const char *name);
/*
 * A path of the set (geo_file.path, alert_to.files) as seen from where the
 * process runs: relative ones count from the first file's directory. The
 * caller frees it.
 */
char *policy_set_path(const struct policy_set *set, const char *path);

/* The canonical text: parsing it gives the same set, printing that the same text. Includes are
 * inlined. */
void policy_print(const struct policy_set *set, struct buf *out);
/* One policy's canonical text alone: what `diff` compares and ids are made from. */
void policy_print_policy(const struct policy_set *set, const struct policy *p, struct buf *out);
/* A quota line's text, "50 MB per destination each window". */
void policy_print_quota(const struct quota *q, struct buf *out);
/* A rate line's, "10 Mbit/s burst 1 MB per source". */
void policy_print_rate(const struct rate *r, struct buf *out);
/* Expressions, as they stand behind `from`, `to` and `during`. */
void policy_print_expr(const struct expr *e, struct buf *out);
void policy_print_time(const struct time_expr *t, struct buf *out);

#endif
