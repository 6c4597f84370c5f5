/* SPDX-License-Identifier: GPL-2.0-only */
/* What a TC program returns. The same numbers serve TCX and clsact filters. */
#ifndef CURFEW_BPF_TC_H
#define CURFEW_BPF_TC_H

#define TC_GO_ON (-1) /* TCX_NEXT, TC_ACT_UNSPEC: the next program decides */
#define TC_DROP  2    /* TCX_DROP, TC_ACT_SHOT */

#endif
